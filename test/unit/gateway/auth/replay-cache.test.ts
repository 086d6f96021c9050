import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SeenSignature, SignatureLog } from '#src/core/ports/stores/signature-log.ts';
import { createNumberSet } from '#src/gateway/auth/number-set.ts';
import { openReplayCache } from '#src/gateway/auth/replay-cache.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const MINUTE = 60_000;
const { signal } = new AbortController();
const signatureOf = (n: number, project = 'p1') => ({ signature: n.toString(16).padStart(13, '0').padEnd(64, '0'), project });

/** The signatures that several gateways share. */
function openSignatures(earlier: readonly SeenSignature[] = []): SignatureLog & { published: SeenSignature[] } {
  const published = [...earlier];
  const listeners: ((signature: SeenSignature) => void)[] = [];
  return {
    published,
    publish(signature) {
      const seen = { ...signature, at: signature.signedAt * 1_000 };
      published.push(seen);
      for (const listener of listeners) listener(seen);
    },
    async subscribe(onSignature) {
      for (const signature of published) onSignature(signature);
      listeners.push(onSignature);
    },
  };
}

describe('the replay cache', () => {
  test('accepts equal calls of one second, and later refuses each one as long as its date is acceptable', async () => {
    const cache = await openReplayCache({ signatures: openSignatures(), signal, now: NOW });
    const at = (ms: number) => cache.check(signatureOf(7), NOW, NOW + ms);
    // The transfer of a call that was signed within the second may take another second.
    expect([0, 900, 1_999].map(at)).toEqual(['new', 'equal call', 'equal call']);
    expect([2_000, 5 * MINUTE, 15 * MINUTE].map(at)).toEqual(['replayed', 'replayed', 'replayed']);
    expect(cache.check(signatureOf(8), NOW, NOW + 15 * MINUTE)).toBe('new');
  });

  test('measures the two seconds between equal calls by the clock of the gateway, not of the caller', async () => {
    const cache = await openReplayCache({ signatures: openSignatures(), signal, now: NOW });
    for (const [n, ahead] of [
      [1, 10 * MINUTE],
      [2, -10 * MINUTE],
    ] as const) {
      const at = (ms: number) => cache.check(signatureOf(n), NOW + ahead, NOW + ms);
      expect([0, 1_000, 2_001].map(at)).toEqual(['new', 'equal call', 'replayed']);
    }
  });

  test('contains the signatures that another gateway accepted, before its start and since', async () => {
    const signatures = openSignatures();
    const one = await openReplayCache({ signatures, signal, now: NOW });
    expect(one.check(signatureOf(1), NOW, NOW)).toBe('new');
    const other = await openReplayCache({ signatures, signal, now: NOW + 2_000 });
    expect(one.check(signatureOf(2), NOW, NOW + 2_000)).toBe('new');
    expect([1, 2].map((n) => other.check(signatureOf(n), NOW, NOW + 4_000))).toEqual(['replayed', 'replayed']);
  });

  test('removes expired signatures, and accepts no new one while it is full', async () => {
    const cache = await openReplayCache({ signatures: openSignatures(), signal, now: NOW, capacity: 3 });
    for (const n of [1, 2, 3]) expect(cache.check(signatureOf(n), NOW, NOW)).toBe('new');
    expect(cache.check(signatureOf(4), NOW, NOW)).toBe('full');
    expect(cache.check(signatureOf(1), NOW, NOW + 10 * MINUTE)).toBe('replayed');
    const later = NOW + 16 * MINUTE;
    expect(cache.check(signatureOf(4), later, later)).toBe('new');
  });
});

describe('a project that fills the replay cache', () => {
  test('leaves the other projects their parts of it, also after its signatures expired (SHARE1)', async () => {
    const cache = await openReplayCache({ signatures: openSignatures(), signal, now: NOW, capacity: 12, projects: () => 3 });
    const accepted = (project: string, from: number, at = NOW): number =>
      Array.from({ length: 12 }, (_, index) => cache.check(signatureOf(from + index, project), at, at)).filter((one) => one === 'new')
        .length;
    expect([accepted('p1', 100), accepted('p2', 200), accepted('p3', 300)]).toEqual([8, 2, 2]);
    expect(accepted('p1', 400)).toBe(0);
    const later = NOW + 16 * MINUTE;
    expect([accepted('p2', 500, later), accepted('p1', 600, later)]).toEqual([8, 2]);
  });
});

describe('a set of numbers', () => {
  test('contains exactly the added numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 ** 52 })), fc.array(fc.integer({ min: 1, max: 2 ** 52 })), (added, others) => {
        const set = createNumberSet();
        for (const value of added) set.add(value);
        const expected = new Set(added);
        expect(set.size).toBe(expected.size);
        for (const value of [...added, ...others]) expect(set.has(value)).toBe(expected.has(value));
      }),
    );
  });
});
