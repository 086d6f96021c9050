import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { writeGuardedConfig } from '#src/main/nats-server/guarded-config.ts';
import { test } from '#test/support/fixtures.ts';

describe('the configuration that "sequent nats-config" writes', () => {
  test('keeps the keys of an earlier one, which their owner alone can read', async ({ folder }) => {
    const first = writeGuardedConfig(folder, { fsync: '100ms', cluster: [] });
    const seeds = await Promise.all(Object.values(first.keys).map((file) => readFile(file, 'utf8')));
    const text = await readFile(first.config, 'utf8');
    expect(writeGuardedConfig(folder, { fsync: '100ms', cluster: [] })).toEqual(first);
    expect(await Promise.all(Object.values(first.keys).map((file) => readFile(file, 'utf8')))).toEqual(seeds);
    expect(await readFile(first.config, 'utf8')).toBe(text);
    expect(new Set(seeds).size).toBe(seeds.length);
    // The server knows the public keys alone.
    for (const seed of seeds) expect(text).not.toContain(seed.trim());
    for (const file of [first.config, ...Object.values(first.keys)]) expect((await stat(file)).mode & 0o077).toBe(0);
  });

  test('puts clients into an account of their own, and keeps one account in a folder of an earlier version', async ({ folder }) => {
    const { config, accounts } = writeGuardedConfig(folder, { fsync: '100ms', cluster: [] });
    const own = await readFile(config, 'utf8');
    expect([accounts, /^SEQUENT_CLIENTS \{$/m.test(own), own.includes('authorization {')]).toEqual(['own', true, false]);
    // As an earlier version wrote the file: the streams are in the global account.
    expect(writeGuardedConfig(folder, { fsync: '100ms', cluster: [], accounts: 'shared' }).accounts).toBe('shared');
    expect(await readFile(config, 'utf8')).not.toContain('SEQUENT_CLIENTS');
    expect(writeGuardedConfig(folder, { fsync: '100ms', cluster: [] }).accounts).toBe('shared');
    expect(writeGuardedConfig(folder, { fsync: '100ms', cluster: [], accounts: 'own' }).accounts).toBe('own');
    expect(await readFile(config, 'utf8')).toBe(own);
  });

  test.for(['100ms', 'always', 'default'] as const)(
    'is one that nats-server accepts for a cluster, with fsync %s',
    async (fsync, { folder }) => {
      const cluster = ['nats-1', 'nats-2', 'nats-3'];
      const { config } = writeGuardedConfig(folder, { fsync, cluster });
      const { bin } = await ensureServer();
      const { stderr } = await promisify(execFile)(bin, [
        '-t',
        '-c',
        config,
        '-sd',
        join(folder, 'store'),
        '-m',
        '8222',
        '--name',
        'nats-1',
      ]);
      expect(stderr).toContain('configuration file');
      expect(writeGuardedConfig(folder, { fsync, cluster }).config).toBe(config);
    },
  );
});
