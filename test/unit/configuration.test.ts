import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InvalidConfigurationError, listSettings, readConfiguration } from '#src/main/config/configuration.ts';

describe('readConfiguration', () => {
  test('refuses a signing key in the data folder, and a key beside a command', () => {
    const refused = (flags: object) => () => readConfiguration({ flags: { data: '/d', ...flags }, env: {} });
    expect(refused({ signingKey: '/d/x/key' })).toThrow('--signing-key must be a file outside of the data folder');
    expect(refused({ signingKey: '/k', signingCommand: 'kms' })).toThrow('pass only one of them');
    expect(refused({ signingKey: '/d2/key' })).not.toThrow();
  });

  test('has a default for every setting that needs one', () => {
    expect(readConfiguration({ env: {} })).toEqual({
      dataDir: resolve('.sequent'),
      natsUrls: undefined,
      natsCreds: undefined,
      natsNkey: undefined,
      natsCa: undefined,
      natsCert: undefined,
      natsKey: undefined,
      natsTlsFirst: false,
      natsDomain: undefined,
      natsInboxPrefix: undefined,
      natsAnonymous: 'on',
      natsContext: undefined,
      respondersUrls: undefined,
      respondersCreds: undefined,
      httpPort: 8080,
      httpOrigins: [],
      localToken: 'off',
      subjects: [],
      files: [],
      isolation: 'require',
      uids: { first: 100_000, last: 165_535 },
      functionNetwork: [],
      replicas: 1,
      streamSizes: {},
      fsync: '100ms',
      logLevel: 'info',
      leaseInMs: 15_000,
      patienceInMs: 5_000,
      clockWarningInMs: 1_000,
      clockLimitInMs: 86_400_000,
      maxHops: 16,
      maxChain: 1_000,
      deliveryAgeInMs: 86_400_000,
      envelope: 'documented',
      connections: undefined,
      roles: ['worker', 'scheduler', 'destinations', 'projection', 'janitor', 'gateway'],
      retentionInMs: 604_800_000,
      retentionInvocations: 1_000_000,
      historyRetentionInMs: undefined,
      auditRetentionInMs: 90 * 86_400_000,
      archive: undefined,
      signingKey: undefined,
      signingCommand: undefined,
      resultsStorage: 'file',
      resultsMaxAgeInHours: 24,
      given: {},
    });
  });

  test('reads every setting from the environment and from a flag alike', () => {
    const wanted = {
      dataDir: '/var/lib/sequent',
      natsUrls: ['nats://one:4222', 'tls://two'],
      natsCreds: '/etc/sequent.creds',
      natsNkey: '/etc/sequent.nk',
      natsCa: '/etc/ca.pem',
      natsCert: '/etc/client.pem',
      natsKey: '/etc/client.key',
      natsTlsFirst: true,
      natsDomain: 'hub',
      natsInboxPrefix: '_INBOX_me',
      natsAnonymous: 'off',
      natsContext: 'production',
      respondersUrls: ['nats://asker:secret@one'],
      respondersCreds: '/etc/asker.creds',
      httpPort: 0,
      httpHost: '0.0.0.0',
      httpOrigins: ['https://sequent.example', 'http://10.0.0.1:8080'],
      credentials: '/etc/sequent-credentials.json',
      localToken: 'off',
      project: 'p1',
      subjects: [
        { project: 'p2', prefix: 'images' },
        { project: 'p2', prefix: 'orders.eu' },
      ],
      files: [{ project: 'p2', folder: '/srv/p2' }],
      isolation: 'prefer',
      uids: { first: 200_000, last: 200_999 },
      functionNetwork: ['p2', 'p3'],
      httpHandlers: ['audit.internal', '10.0.0.5'],
      replicas: 3,
      streamSizes: { log: 21_474_836_480, results: 524_288_000 },
      fsync: 'always',
      logLevel: 'debug',
      leaseInMs: 500,
      patienceInMs: 700,
      clockWarningInMs: 5_000,
      clockLimitInMs: undefined,
      maxHops: 3,
      maxChain: 40,
      deliveryAgeInMs: 5_400_000,
      envelope: 'observed',
      connections: '/etc/connections.json',
      roles: ['scheduler'],
      resultsStorage: 'memory',
      resultsMaxAgeInHours: 1,
      retentionInMs: 1_800_000,
      retentionInvocations: 5_000,
      historyRetentionInMs: 7_776_000_000,
      auditRetentionInMs: 60 * 86_400_000,
      archive: '/var/lib/archive',
      signingKey: '/etc/sequent/signing.key',
      signingCommand: undefined,
    };
    const env = {
      SEQUENT_DATA: '/var/lib/sequent',
      NATS_URL: 'nats://one:4222, tls://two',
      NATS_CREDS: '/etc/sequent.creds',
      NATS_NKEY: '/etc/sequent.nk',
      NATS_CA: '/etc/ca.pem',
      NATS_CERT: '/etc/client.pem',
      NATS_KEY: '/etc/client.key',
      NATS_TLS_FIRST: 'true',
      NATS_JS_DOMAIN: 'hub',
      NATS_INBOX_PREFIX: '_INBOX_me',
      SEQUENT_NATS_ANONYMOUS: 'off',
      NATS_CONTEXT: 'production',
      SEQUENT_RESPONDERS_NATS_URL: 'nats://asker:secret@one',
      SEQUENT_RESPONDERS_NATS_CREDS: '/etc/asker.creds',
      SEQUENT_HTTP_PORT: '0',
      SEQUENT_HTTP_HOST: '0.0.0.0',
      SEQUENT_HTTP_ORIGINS: 'https://Sequent.example:443/, http://10.0.0.1:8080',
      SEQUENT_CREDENTIALS: '/etc/sequent-credentials.json',
      SEQUENT_LOCAL_TOKEN: 'off',
      SEQUENT_PROJECT: 'p1',
      SEQUENT_SUBJECTS: 'p2=images,p2=orders.eu.>',
      SEQUENT_FILES: 'p2=/srv/p2/',
      SEQUENT_ISOLATION: 'prefer',
      SEQUENT_UIDS: '200000-200999',
      SEQUENT_FUNCTION_NETWORK: 'p2,p3',
      SEQUENT_HTTP_HANDLERS: 'audit.internal, 10.0.0.5',
      SEQUENT_REPLICAS: '3',
      SEQUENT_STREAM_SIZES: 'log=20GB, results=500MB',
      SEQUENT_FSYNC: 'always',
      SEQUENT_LOG_LEVEL: 'debug',
      SEQUENT_LEASE_MS: '500',
      SEQUENT_PATIENCE_MS: '700',
      SEQUENT_CLOCK_WARNING: '5s',
      SEQUENT_CLOCK_LIMIT: 'off',
      SEQUENT_MAX_HOPS: '3',
      SEQUENT_MAX_CHAIN: '40',
      SEQUENT_DELIVERY_AGE: '90min',
      SEQUENT_ENVELOPE: 'observed',
      SEQUENT_CONNECTIONS: '/etc/connections.json',
      SEQUENT_RETENTION: '30min',
      SEQUENT_RETENTION_INVOCATIONS: '5000',
      SEQUENT_HISTORY_RETENTION: '90d',
      SEQUENT_AUDIT_RETENTION: '60d',
      SEQUENT_ARCHIVE: '/var/lib/archive',
      SEQUENT_SIGNING_KEY: '/etc/sequent/signing.key',
      // Two signers are refused.
      SEQUENT_SIGNING_COMMAND: '',
      SEQUENT_ROLES: 'scheduler',
      SEQUENT_RESULTS_STORAGE: 'memory',
      SEQUENT_RESULTS_MAX_AGE_HOURS: '1',
    };
    const flags = {
      data: '/var/lib/sequent',
      natsUrl: 'nats://one:4222,tls://two',
      natsCreds: '/etc/sequent.creds',
      nkey: '/etc/sequent.nk',
      tlsca: '/etc/ca.pem',
      tlscert: '/etc/client.pem',
      tlskey: '/etc/client.key',
      tlsfirst: true,
      domain: 'hub',
      inboxPrefix: '_INBOX_me',
      natsAnonymous: 'off',
      respondersServer: 'nats://asker:secret@one',
      respondersCreds: '/etc/asker.creds',
      httpPort: '0',
      httpHost: '0.0.0.0',
      httpOrigins: 'https://sequent.example,http://10.0.0.1:8080',
      credentials: '/etc/sequent-credentials.json',
      project: 'p1',
      subjects: ['p2=images', 'p2=orders.eu.>'],
      files: ['p2=/srv/p2/'],
      isolation: 'prefer',
      uids: '200000-200999',
      functionNetwork: ['p2', 'p3'],
      httpHandlers: 'audit.internal,10.0.0.5',
      replicas: '3',
      streamSizes: 'log=20GB,results=500MB',
      fsync: 'always',
      logLevel: 'debug',
      leaseMs: '500',
      patienceMs: '700',
      clockWarning: '5s',
      clockLimit: 'off',
      maxHops: '3',
      maxChain: '40',
      deliveryAge: '90min',
      envelope: 'observed',
      connections: '/etc/connections.json',
      retention: '30min',
      retentionInvocations: '5000',
      historyRetention: '90d',
      auditRetention: '60d',
      archive: '/var/lib/archive',
      signingKey: '/etc/sequent/signing.key',
      role: ['scheduler'],
      resultsStorage: 'memory',
      resultsMaxAgeHours: '1',
    };
    expect(readConfiguration({ env })).toMatchObject(wanted);
    expect(readConfiguration({ flags, env: { NATS_CONTEXT: 'production' } })).toMatchObject(wanted);
    expect(listSettings().map((setting) => setting.env)).toEqual(Object.keys(env));
  });

  test('prefers a flag to the environment, and treats an empty variable as unset', () => {
    const env = { SEQUENT_FSYNC: 'always', SEQUENT_REPLICAS: '', NATS_URL: '' };
    expect(readConfiguration({ flags: { fsync: 'default' }, env })).toMatchObject({
      fsync: 'default',
      replicas: 1,
      natsUrls: undefined,
      given: { fsync: 'flag' },
    });
  });

  test('lists each role once and in a fixed order, however the roles are named', () => {
    expect(readConfiguration({ flags: { role: ['scheduler', 'worker', 'scheduler'] }, env: {} }).roles).toEqual(['worker', 'scheduler']);
    expect(readConfiguration({ env: { SEQUENT_ROLES: 'scheduler, worker' } }).roles).toEqual(['worker', 'scheduler']);
  });

  test.for([
    [{ SEQUENT_REPLICAS: '2' }, 'SEQUENT_REPLICAS must be one of 1, 3, 5, not "2"'],
    [{ SEQUENT_FSYNC: '1s' }, 'SEQUENT_FSYNC must be one of 100ms, always, default, not "1s"'],
    [{ SEQUENT_LOG_LEVEL: 'loud' }, 'SEQUENT_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud"'],
    [{ SEQUENT_HTTP_PORT: '80a' }, 'SEQUENT_HTTP_PORT must be a whole number from 0 to 65535, not "80a"'],
    [{ SEQUENT_HTTP_PORT: '65536' }, 'SEQUENT_HTTP_PORT must be a whole number from 0 to 65535, not "65536"'],
    [
      { SEQUENT_HTTP_ORIGINS: 'https://a.example,*' },
      'SEQUENT_HTTP_ORIGINS must be origins like https://sequent.example, separated by commas, not "https://a.example,*"',
    ],
    [{ SEQUENT_HTTP_PORT: '-1' }, 'SEQUENT_HTTP_PORT must be a whole number from 0 to 65535, not "-1"'],
    [{ SEQUENT_LEASE_MS: '499' }, 'SEQUENT_LEASE_MS must be a whole number from 500 to 3600000, not "499"'],
    [{ SEQUENT_LEASE_MS: '1e3' }, 'SEQUENT_LEASE_MS must be a whole number from 500 to 3600000, not "1e3"'],
    [
      { SEQUENT_ROLES: 'worker,cook' },
      'SEQUENT_ROLES must be one of worker, scheduler, destinations, projection, janitor, gateway, not "worker,cook"',
    ],
    [{ SEQUENT_ISOLATION: 'some' }, 'SEQUENT_ISOLATION must be one of require, prefer, none, not "some"'],
    [{ SEQUENT_UIDS: '0-10' }, 'SEQUENT_UIDS must be user ids from 1000 on, the lower one first, not "0-10"'],
    [{ SEQUENT_UIDS: '2000-1000' }, 'SEQUENT_UIDS must be user ids from 1000 on, the lower one first, not "2000-1000"'],
    [{ SEQUENT_RESULTS_STORAGE: 'tape' }, 'SEQUENT_RESULTS_STORAGE must be one of file, memory, not "tape"'],
    [{ SEQUENT_DATA: '  ' }, 'SEQUENT_DATA must not be empty, not "  "'],
    [{ NATS_URL: 'http://x' }, 'NATS_URL must be addresses like nats://host:4222, separated by commas, not "http://x"'],
    [{ NATS_URL: 'nats://a b' }, 'NATS_URL must be addresses like nats://host:4222, separated by commas, not "nats://a b"'],
    [{ NATS_URL: 'nats://a,' }, 'NATS_URL must not be empty, not "nats://a,"'],
    [{ NATS_JS_DOMAIN: 'a.b' }, 'NATS_JS_DOMAIN must be one token of a subject, not "a.b"'],
    [{ NATS_INBOX_PREFIX: '_I.*' }, 'NATS_INBOX_PREFIX must be a subject without wildcards, not "_I.*"'],
    [{ NATS_TLS_FIRST: 'maybe' }, 'NATS_TLS_FIRST must be one of true, false, not "maybe"'],
    [{ NATS_CONTEXT: '../x' }, 'NATS_CONTEXT must be the name of a context of the nats command, not "../x"'],
  ] as const)('refuses %j', ([env, message]) => {
    expect(() => readConfiguration({ env })).toThrow(message);
  });

  test('refuses a local token together with credentials', () => {
    const env = { SEQUENT_LOCAL_TOKEN: 'auto', SEQUENT_CREDENTIALS: 'keys.json' };
    expect(() => readConfiguration({ env })).toThrow('--local-token and --credentials both define who may call: pass only one of them');
    expect(readConfiguration({ env: { SEQUENT_LOCAL_TOKEN: 'auto' } }).localToken).toBe('auto');
  });

  test('names every invalid flag at once, and exits with 2', () => {
    const flags = { httpPort: 'x', role: ['cook'], natsUrl: 'nats://a', context: 'b' };
    const failure = thrown(() => readConfiguration({ flags, env: { SEQUENT_REPLICAS: '2' } }));
    expect(failure).toBeInstanceOf(InvalidConfigurationError);
    expect(failure).toMatchObject({ exitCode: 2, code: 'INVALID_CONFIGURATION' });
    expect(String(failure).split('\n')).toEqual([
      'InvalidConfigurationError: --http-port must be a whole number from 0 to 65535, not "x"',
      'SEQUENT_REPLICAS must be one of 1, 3, 5, not "2"',
      '--role must be one of worker, scheduler, destinations, projection, janitor, gateway, not "cook"',
      '--server and --context name two servers: pass only one of them',
    ]);
  });
});

function thrown(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}
