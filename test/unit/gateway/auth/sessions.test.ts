import { expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { CredentialSet } from '#src/gateway/auth/credential-set.ts';
import { openSessions } from '#src/gateway/auth/sessions.ts';

const NOW = Date.parse('2027-01-01T00:00:00Z');
const credential = { project: 'p', tokenHash: Buffer.from('hash') };
const credentials = { list: [credential], onReplace: () => {} } as unknown as CredentialSet;

test('two gateways that start at once accept the sessions of each other, although a replica is behind', async () => {
  const store = createMemoryKeyValue();
  const { signal } = new AbortController();
  const first = await openSessions(store, credentials, signal);
  let reads = 0;
  // Before its write, and for two reads after it, the second gateway asks a replica that has no key yet.
  const behind = { ...store, get: async (key: string) => (reads++ < 3 ? undefined : await store.get(key)) };
  const second = await openSessions(behind, credentials, signal);
  expect(second.find(first.begin(credential as never, NOW), NOW)).toBe(credential);
});
