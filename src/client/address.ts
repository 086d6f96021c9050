import { type CredentialFiles, natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import type { NatsOptions } from '#src/nats/transport/connection/connection.ts';

/** Where NATS is, and the files with the credentials of its user. */
export type ClientAddress = Partial<NatsOptions> & CredentialFiles;

const DEFAULT_URL = 'nats://127.0.0.1:4222';

/**
 * Returns the options of a connection. `NATS_URL` names the servers, and `NATS_NKEY` the file with the seed of the user, unless the options
 * do. Throws `InvalidInputError` when a file of credentials cannot be read.
 */
export function connectionOptionsOf(address: ClientAddress): NatsOptions {
  const { servers = process.env.NATS_URL ?? DEFAULT_URL, nkeyFile, ...options } = address;
  const isIdentified = [options.user, options.token, options.authenticator, options.credsFile, nkeyFile].some(
    (given) => given !== undefined,
  );
  return natsOptionsOf({ ...options, servers, nkeyFile: isIdentified ? nkeyFile : process.env.NATS_NKEY || undefined });
}
