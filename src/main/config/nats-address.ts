/** The address of a NATS. All fields but `from` and the files of credentials are options of the NATS client, by the same names. */
export type NatsAddress = {
  servers: string[];
  user?: string;
  pass?: string;
  token?: string;
  /** A file with a JWT and its seed. */
  credsFile?: string;
  /** A file with the seed of an nkey. */
  nkeyFile?: string;
  tls?: NatsTls;
  /** The JetStream domain with the streams of Sequent. */
  domain?: string;
  inboxPrefix?: string;
  /** The source of this address, as an error shows it. */
  from: string;
};

/** `handshakeFirst`: the server starts TLS before its greeting. */
export type NatsTls = { caFile?: string; certFile?: string; keyFile?: string; handshakeFirst?: boolean };

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
