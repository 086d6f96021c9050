/** The address of a NATS. All fields but `from` and `credsFile` are options of the NATS client, by the same names. */
export type NatsAddress = {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
  /** A file with a JWT and its seed. */
  credsFile?: string;
  tls?: { caFile?: string; certFile?: string; keyFile?: string };
  /** The source of this address, as an error shows it. */
  from: string;
};

/** Separates a user or a token from the URLs, because the NATS client takes them as options. */
export function addressOf(urls: readonly string[]): Pick<NatsAddress, 'servers' | 'user' | 'pass' | 'token'> {
  const parts = urls.map((url) => /^(?<scheme>\w+:\/\/)?(?:(?<user>[^@]*)@)?(?<host>.*)$/.exec(url)?.groups ?? {});
  const servers = parts.map(({ scheme = '', host = '' }) => `${scheme}${host}`);
  const userInfo = parts.find((part) => part.user !== undefined)?.user;
  if (userInfo === undefined) return { servers };
  const [user = '', ...rest] = userInfo.split(':');
  if (rest.length === 0) return { servers, token: decodeURIComponent(user) };
  return { servers, user: decodeURIComponent(user), pass: decodeURIComponent(rest.join(':')) };
}
