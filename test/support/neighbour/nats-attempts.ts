import { headers, type Msg, type NatsConnection } from 'nats';
import { header } from '#src/nats/wire/codec.ts';
import { patternsAbout, subjectsAbout } from '#test/support/matrix/subject-rules.ts';
import { OTHER, OWN } from '#test/support/matrix/victims.ts';
import { replyAttacks } from '#test/support/nats/reply-attacks.ts';
import { firstText, hostileTexts } from './hostile-texts.ts';
import { chosenServers } from './machines.ts';

/** The function of the own project that the stranger may invoke, and the beginning of the names that it makes up. */
export const OPEN_FUNCTION = 'open';
const MADE_UP = 'Cx';

/** What the stranger publishes: a client with `invoke.*` and an inbox, and nothing else. */
export type NatsAttempt = {
  name: string;
  subject: string;
  payload: string | Uint8Array;
  headers: Record<string, string>;
  reply: string | undefined;
};

const invoke = `invoke.${OPEN_FUNCTION}`;
const bare = { payload: '{}', headers: {}, reply: undefined } as const;

/** Names of headers: those that Sequent and the server read, of which an attacker may send any. */
const HEADERS = [
  ...Object.values(header),
  'Nats-Msg-Id',
  'Nats-Expected-Stream',
  'Nats-Expected-Last-Sequence',
  'Nats-Expected-Last-Subject-Sequence',
  'Nats-Rollup',
  'Nats-TTL',
  'Nats-Schedule',
  'Nats-Schedule-Target',
  'Nats-Trace-Dest',
  'Nats-Batch-Id',
];

export function natsAttempts(streams: readonly string[]): NatsAttempt[] {
  let next = firstText();
  const text = (): string => hostileTexts[next++ % hostileTexts.length]?.text ?? '\0';
  const direct = [OWN, OTHER].flatMap(subjectsAbout).filter((subject) => !isPermitted(subject));
  return [
    ...direct.map((subject) => ({ ...bare, name: `publish to ${subject}`, subject })),
    ...replyAttacks(streams, ['$JS.API', '$JS.hub.API']).map(({ reply, payload, traceDest }) => ({
      name: `reply ${reply} trace ${traceDest}`,
      subject: invoke,
      payload,
      headers: traceDest === undefined ? {} : { 'Nats-Trace-Dest': traceDest },
      reply: reply === '' ? undefined : reply,
    })),
    ...[...new Set(HEADERS)].flatMap((name) =>
      [text(), text(), text()].map((value) => ({
        ...bare,
        name: `the header ${name}`,
        subject: invoke,
        // A line break ends a header in NATS too, so such a text adds another header.
        headers: { [name]: value.replaceAll(/[\r\n\0]/g, ' ').slice(0, 4_000) },
      })),
    ),
    ...hostileTexts.map(({ kind, text: value }) => ({ ...bare, name: `a payload (${kind})`, subject: invoke, payload: value })),
    ...hostileTexts.map(({ kind, text: value }) => ({
      ...bare,
      name: `a payload in JSON (${kind})`,
      subject: invoke,
      payload: JSON.stringify({ [value]: [value] }),
    })),
    ...hostileTexts.map(({ kind, text: value }) => ({
      ...bare,
      name: `a function (${kind})`,
      subject: `invoke.${MADE_UP}${asToken(value)}`,
    })),
    { ...bare, name: 'a payload that is no UTF-8', subject: invoke, payload: new Uint8Array([0xff, 0xfe, 0x00, 0xc0]) },
    { ...bare, name: 'many values', subject: invoke, payload: `[${'[],'.repeat(200_000)}[]]` },
  ];
}

/** Patterns that the stranger must not hear. Results are the other right of an anonymous client, and a user of its own elsewhere. */
function natsPatterns(): string[] {
  return [...new Set([OWN, OTHER].flatMap(patternsAbout))].filter((pattern) => !isPermitted(pattern));
}

function isPermitted(subject: string): boolean {
  // The key of a producer that `sequent nats-config` writes sends requests to all projects. An anonymous client does to the own one.
  const tokens = chosenServers() === 'cluster' ? '{1,2}' : '{1}';
  return new RegExp(`^(?:invoke(?:\\.[^.]+)${tokens}|result(?:\\..*)?|_INBOX\\..*)$`).test(subject);
}

/** A token of a subject: no white space, dot or wildcard. */
function asToken(text: string): string {
  return text.replaceAll(/[\s.*>\0]/g, '-').slice(0, 200);
}

export type Heard = { subject: string; text: string };

/** Publishes all attempts, and resolves when the server has processed them: to what the stranger heard. */
export async function runNatsAttempts(nats: NatsConnection, attempts: readonly NatsAttempt[]): Promise<Heard[]> {
  const heard: Heard[] = [];
  const callback = (error: Error | null, message: Msg): void => {
    if (error === null) heard.push({ subject: message.subject, text: message.string() });
  };
  for (const pattern of natsPatterns()) nats.subscribe(pattern, { callback });
  nats.subscribe('_INBOX.>', { callback });
  for (const { subject, payload, headers: named, reply } of attempts) {
    const sent = headers();
    for (const [name, value] of Object.entries(named)) sent.set(name, value);
    nats.publish(subject, payload, { headers: sent, ...(reply === undefined ? {} : { reply }) });
  }
  await nats.flush();
  // The acknowledgement of a later request follows those of the earlier ones.
  await nats.request(invoke, '{}', { timeout: 30_000 });
  return heard;
}

/** Subjects with messages of the stranger's own requests, which it may publish. */
export function isOfStranger(subject: string): boolean {
  return [OPEN_FUNCTION, MADE_UP, 'stranger', '_'].some((name) =>
    new RegExp(`(?:^| )(?:invoke|invocation|result)\\.${name}`).test(subject),
  );
}
