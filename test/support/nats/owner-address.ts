import { join } from 'node:path';
import type { CredentialFiles } from '#src/nats/transport/connection/connect-options.ts';

/** The address of an embedded server for the owner of its data folder. */
export function ownerAddress(url: string, dataDir: string): { servers: string } & CredentialFiles {
  return { servers: url, nkeyFile: join(dataDir, 'nats', 'sequent.nk') };
}
