import { join } from 'node:path';

/** The settings that can contradict each other. */
type Conflicting = {
  given: { readonly natsUrls?: string; readonly natsContext?: string; readonly credentials?: string; readonly httpTlsClientAuth?: string };
  localToken: string;
  signingKey: string | undefined;
  signingCommand: string | undefined;
  encryptionKey: string | undefined;
  encryptionCommand: string | undefined;
  dataDir: string;
  httpTlsCert: string | undefined;
  httpTlsKey: string | undefined;
  httpTlsClientCa: string | undefined;
};

/** A sentence for each contradiction between settings. */
export function conflictsIn(settings: Conflicting): string[] {
  const { given, localToken, signingKey, signingCommand, dataDir } = settings;
  const conflicts: [boolean, string][] = [
    [
      signingKey !== undefined && signingCommand !== undefined,
      '--signing-key and --signing-command both sign the heads of the log: pass only one of them',
    ],
    [
      signingKey?.startsWith(join(dataDir, '/')) === true,
      '--signing-key must be a file outside of the data folder, because a user who can write there could sign a changed log',
    ],
    [given.natsUrls === 'flag' && given.natsContext === 'flag', '--server and --context name two servers: pass only one of them'],
    [
      localToken === 'auto' && given.credentials !== undefined,
      '--local-token and --credentials both define who may call: pass only one of them',
    ],
    [
      settings.encryptionKey !== undefined && settings.encryptionCommand !== undefined,
      '--encryption-key and --encryption-command both name the keys of encryption: pass only one of them',
    ],
    [
      settings.encryptionKey?.startsWith(join(dataDir, '/')) === true,
      '--encryption-key must be a file outside of the data folder, because a copy of the folder would have the key too',
    ],
    ...tlsConflictsIn(settings),
  ];
  return conflicts.flatMap(([isPresent, sentence]) => (isPresent ? [sentence] : []));
}

function tlsConflictsIn({ given, httpTlsCert, httpTlsKey, httpTlsClientCa }: Conflicting): [boolean, string][] {
  const isIncomplete = (httpTlsCert === undefined) !== (httpTlsKey === undefined);
  return [
    [isIncomplete, '--http-tls-cert and --http-tls-key belong together: pass both, or neither'],
    [
      httpTlsClientCa !== undefined && httpTlsCert === undefined && !isIncomplete,
      '--http-tls-client-ca needs --http-tls-cert and --http-tls-key: client certificates exist over TLS only',
    ],
    [
      given.httpTlsClientAuth !== undefined && httpTlsClientCa === undefined,
      '--http-tls-client-auth needs --http-tls-client-ca, the authorities that sign the certificates of clients',
    ],
  ];
}
