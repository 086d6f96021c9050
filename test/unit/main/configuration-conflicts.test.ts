import { describe, expect, test } from 'vitest';
import { InvalidConfigurationError, readConfiguration } from '#src/main/config/configuration.ts';

describe('readConfiguration', () => {
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
    [{ SEQUENT_PROBES: '8081/' }, 'SEQUENT_PROBES must be a port, or an address like 0.0.0.0:8081, not "8081/"'],
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

  test('refuses a signing key in the data folder, and a key beside a command', () => {
    const refused = (flags: Record<string, unknown>) => () => readConfiguration({ flags: { data: '/d', ...flags }, env: {} });
    expect(refused({ signingKey: '/d/x/key' })).toThrow('--signing-key must be a file outside of the data folder');
    expect(refused({ signingKey: '/k', signingCommand: 'kms' })).toThrow('pass only one of them');
    expect(refused({ signingKey: '/d2/key' })).not.toThrow();
  });

  test('refuses a TLS certificate without its key, and settings of client certificates without TLS', () => {
    const refused = (flags: Record<string, unknown>) => () => readConfiguration({ flags, env: {} });
    expect(refused({ httpTlsCert: '/c' })).toThrow('--http-tls-cert and --http-tls-key belong together');
    expect(refused({ httpTlsKey: '/k' })).toThrow('--http-tls-cert and --http-tls-key belong together');
    expect(refused({ httpTlsClientCa: '/a' })).toThrow('--http-tls-client-ca needs --http-tls-cert');
    expect(refused({ httpTlsCert: '/c', httpTlsKey: '/k', httpTlsClientAuth: 'require' })).toThrow('needs --http-tls-client-ca');
    expect(refused({ httpTlsCert: '/c', httpTlsKey: '/k', httpTlsClientCa: '/a', httpTlsClientAuth: 'require' })).not.toThrow();
  });

  test('refuses an encryption key in the data folder, and a key beside a command', () => {
    const refused = (flags: Record<string, unknown>) => () => readConfiguration({ flags: { data: '/d', ...flags }, env: {} });
    expect(refused({ encryptionKey: '/d/keys' })).toThrow('--encryption-key must be a file outside of the data folder');
    expect(refused({ encryptionKey: '/k', encryptionCommand: 'kms' })).toThrow('pass only one of them');
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
