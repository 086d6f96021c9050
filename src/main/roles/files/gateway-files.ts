import { CredentialSet } from '#src/gateway/auth/credential-set.ts';
import { readCredentials } from '#src/gateway/auth/credentials.ts';
import { expiryOf, readTlsMaterial, ServedTls, type TlsMaterial } from '#src/gateway/http/server/tls.ts';
import type { RoleContext } from '#src/main/roles/role-context.ts';
import type { GatewayRoleOptions } from '#src/main/roles/roles-options.ts';
import { unwatchedFiles } from './watched-files.ts';

/** The credentials of HTTP. Their file is watched; the own project stays the one that was known at the start. */
export function openCredentials({ credentials, credentialsFile: file }: GatewayRoleOptions, { options }: RoleContext): CredentialSet {
  const { files = unwatchedFiles, tenancy } = options;
  const set = new CredentialSet(credentials);
  if (file === undefined) return set;
  const use = (): void => set.replace(readCredentials(file, { project: tenancy.project }));
  files.watch({ name: 'the credentials of HTTP', files: [file], reload: use });
  // The file may have changed since it was read at the start.
  use();
  return set;
}

/** The TLS of the gateway, whose files are watched. Throws `InvalidInputError` when they cannot be used. */
export function openTls(settings: GatewayRoleOptions, { options, ports }: RoleContext): ServedTls | undefined {
  const { httpTlsCert: cert, httpTlsKey: key, httpTlsClientCa: clientCa, httpTlsClientAuth = 'request' } = settings;
  if (cert === undefined || key === undefined) return undefined;
  const read = (): TlsMaterial => readTlsMaterial({ cert, key, clientCa });
  const { files = unwatchedFiles } = options;
  files.watch({
    name: 'the TLS of HTTP',
    files: [cert, key, clientCa].filter((file) => file !== undefined),
    reload: () => tls.replace(read()),
    warning: () => expiryOf(tls.material, ports.clock.now()),
  });
  const tls = new ServedTls(read(), clientCa === undefined ? undefined : httpTlsClientAuth);
  return tls;
}
