import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

type Mail = { from: string; to: string[]; text: string };

/** A real SMTP server that keeps its mails. */
export interface Mailbox extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly Mail[];
  /** The users that tried to sign in. */
  readonly logins: readonly string[];
}

export type MailboxOptions = {
  /** The only user. Without one, the server requires no login. */
  user?: { name: string; password: string };
  /** The codes for the first recipients, in turn; later recipients get 250. */
  refusals?: number[];
  /** The server never sends its greeting. */
  isSilent?: boolean;
};

export async function openMailbox({ user, refusals = [], isSilent = false }: MailboxOptions = {}): Promise<Mailbox> {
  const mails: Mail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    authOptional: user === undefined,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onConnect: (_session, callback) => (isSilent ? undefined : callback()),
    onAuth({ username = '', password }, _session, callback) {
      logins.push(username);
      if (username === user?.name && password === user?.password) callback(null, { user: username });
      else callback(new Error(`the password ${password} is wrong`));
    },
    onRcptTo(_address, _session, callback) {
      const responseCode = refusals.shift();
      if (responseCode === undefined) callback();
      else callback(Object.assign(new Error('no such mailbox'), { responseCode }));
    },
    async onData(stream, { envelope }, callback) {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
      mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), text: Buffer.concat(chunks).toString() });
      callback();
    },
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    logins,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
