/** How to reach a NATS: but for `from` and `credsFile`, the options of the same names of the NATS client. */
export type NatsAddress = {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
  /** A file with a JWT and its seed. */
  credsFile?: string;
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** What decided, in words for a person. */
  from: string;
};

/** Takes a user, or a token, out of URLs: the NATS client wants them apart. */
export function addressOf(urls: readonly string[]): Pick<NatsAddress, 'servers' | 'user' | 'pass' | 'token'> {
  const parts = urls.map((url) => /^(?<scheme>\w+:\/\/)?(?:(?<who>[^@]*)@)?(?<host>.*)$/.exec(url)?.groups ?? {});
  const servers = parts.map(({ scheme = '', host = '' }) => `${scheme}${host}`);
  const who = parts.find((part) => part.who !== undefined)?.who;
  if (who === undefined) return { servers };
  const [user = '', ...rest] = who.split(':');
  if (rest.length === 0) return { servers, token: decodeURIComponent(user) };
  return { servers, user: decodeURIComponent(user), pass: decodeURIComponent(rest.join(':')) };
}
