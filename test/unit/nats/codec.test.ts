import { describe, expect, test } from 'vitest';
import { FACTS_VERSION, factSchema } from '#machines/facts.ts';
import { NewerFactsError } from '#src/core/errors.ts';
import { hashOfAppend } from '#src/core/log/chain.ts';
import type { StreamVersion } from '#src/core/log/event-log.ts';
import { decodeAppend, encodeAppend } from '#src/nats/wire/codec.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { released, type Upcasting, upcast } from '#src/nats/wire/upcasters.ts';
import { billing, deliveryPostponed, running, succeeded } from '#test/support/log/facts.ts';

const envelope = { id: 'a-1', previous: 0, request: 7, by: 'worker' };

function written(version: unknown, facts: readonly object[]): Buffer {
  return Buffer.from(JSON.stringify({ v: version, ...envelope, facts }));
}

/** A made-up version 0: its type is `started`, and its attempts count from 0. */
const madeUp: Upcasting = {
  oldest: 0,
  table: {
    'started@0': ({ number, ...fact }) => ({ ...fact, type: 'running', attempt: Number(number) + 1 }),
  },
};

describe('an append of an earlier version', () => {
  const { attempt: _, ...rest } = running(1);
  const old = { ...rest, type: 'started', number: 0 };

  test('is read with each fact converted by the upcaster of its type and version', () => {
    expect(decodeAppend(written(0, [old, succeeded(1)]), 12, madeUp)).toEqual({
      ...envelope,
      version: 12,
      hash: hashOfAppend(written(0, [old, succeeded(1)])),
      facts: [running(1), succeeded(1)],
    });
  });

  test('is unreadable when no upcaster converts it to a known fact', () => {
    expect(decodeAppend(written(0, [old]), 12, { oldest: 0, table: {} })).toBeUndefined();
    expect(decodeAppend(written(0, [{ type: 'toString' }]), 12, madeUp)).toBeUndefined();
  });

  test('is unreadable when its version was never released', () => {
    expect(released.oldest).toBe(1);
    expect(decodeAppend(written(0, [running(1)]), 12)).toBeUndefined();
    for (const version of [-1, 0.5, '1', null]) expect(decodeAppend(written(version, [running(1)]), 12, madeUp)).toBeUndefined();
  });
});

describe('an append of the current version', () => {
  const append = { ...envelope, previous: 0 as StreamVersion, facts: [running(1)] };

  test('is read as it was written, and no upcaster sees its facts', () => {
    const untouched: Upcasting = {
      oldest: 0,
      table: {
        [`running@${FACTS_VERSION}`]: () => {
          throw new Error('a current fact was lifted');
        },
      },
    };
    const encoded = encodeAppend(append);
    expect(decodeAppend(Buffer.from(encoded), 12, untouched)).toEqual({ ...append, version: 12, hash: hashOfAppend(encoded) });
  });
});

describe('the version of an append', () => {
  const append = { ...envelope, previous: 0 as StreamVersion };
  const versionIn = (text: string) => (JSON.parse(text) as { v: number }).v;

  test('is the lowest that has its facts, so that an earlier process reads all others during an upgrade', () => {
    expect(versionIn(encodeAppend({ ...append, facts: [running(1)] }))).toBe(1);
    expect(versionIn(encodeAppend({ ...append, facts: [running(1), deliveryPostponed(0)] }))).toBe(2);
    const outcome = succeeded(1, { destinations: [billing], deliveryIds: 2 });
    expect(versionIn(encodeAppend({ ...append, facts: [running(1), outcome, deliveryPostponed(0)] }))).toBe(3);
  });

  test('is 1 to 3 with the same shapes, which are read without an upcaster', () => {
    for (const version of [1, 2, 3]) expect(decodeAppend(written(version, [running(1)]), 12)?.facts).toEqual([running(1)]);
  });
});

describe('an append of a newer version', () => {
  const newer = written(FACTS_VERSION + 1, [{ type: 'teleported' }]);

  test('is an error that names the versions and what to do', () => {
    expect(() => decodeAppend(newer, 12)).toThrow(NewerFactsError);
    expect(() => decodeAppend(newer, 12)).toThrow(
      'the message 12 of the log holds facts of version 4, and this process reads versions up to 3: upgrade this process',
    );
  });

  test('is an unreadable entry, with the same reason, for readers of the whole log', () => {
    const stored = { subject: 'invocation.orders.order-1', data: newer, sequence: 12, at: 5, headers: undefined };
    expect(fullEntryOf(stored, () => true)).toMatchObject({
      kind: 'unreadable',
      sequence: 12,
      why: expect.stringContaining('facts of version 4'),
    });
  });
});

describe('the released upcasters', () => {
  test('belong to versions before the current one, from the oldest on', () => {
    for (const key of Object.keys(released.table)) {
      const version = Number(key.split('@')[1]);
      expect(version, key).toBeGreaterThanOrEqual(released.oldest);
      expect(version, key).toBeLessThan(FACTS_VERSION);
    }
  });

  test('do not change a fact of the current version', () => {
    const fact = running(1);
    expect(upcast(fact, FACTS_VERSION, released)).toBe(fact);
    expect(factSchema.parse(fact)).toEqual(fact);
  });
});
