import { describe, expect, test } from 'vitest';
import { FACTS_VERSION, factSchema } from '#machines/facts.ts';
import { NewerFactsError } from '#src/core/errors.ts';
import { hashOfAppend } from '#src/core/log/chain.ts';
import type { StreamVersion } from '#src/core/log/event-log.ts';
import { decodeAppend, encodeAppend } from '#src/nats/wire/codec.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { released, type Upcasting, upcast } from '#src/nats/wire/upcasters.ts';
import { running, succeeded } from '#test/support/log/facts.ts';

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
    expect(decodeAppend(encoded, 12, untouched)).toEqual({ ...append, version: 12, hash: hashOfAppend(encoded) });
  });
});

describe('an append of a foreign writer', () => {
  const { type: _, ...untyped } = running(1);
  const wrong: [string, object][] = [
    ['a fact without a type', { facts: [untyped] }],
    ['a fact of an unknown type', { facts: [{ ...untyped, type: 'jumped' }] }],
    ['an attempt that is no whole number', { facts: [{ ...running(1), attempt: 1.5 }] }],
    ['terms beyond their bounds', { facts: [{ ...running(1), terms: { ...running(1).terms, backoff: { initialInMs: -1 } } }] }],
    ['a number that JSON cannot hold', { previous: '1e999' }],
    ['facts that are no list', { facts: {} }],
    ['a link that is no text', { link: 7 }],
  ];

  test.each(wrong)('is unreadable with %s', (_name, part) => {
    const text = JSON.stringify({ v: 1, ...envelope, facts: [running(1)], ...part }).replace('"1e999"', '1e999');
    expect(decodeAppend(Buffer.from(text), 12)).toBeUndefined();
    expect(decodeAppend(text, 12)).toBeUndefined();
  });

  test('loses the fields that no version of Sequent writes, at every depth', () => {
    const { terms } = running(1);
    const facts = [{ ...running(1), more: 1, terms: { ...terms, more: 1, backoff: { ...terms?.backoff, more: 1 } } }];
    const read = decodeAppend(Buffer.from(JSON.stringify({ v: 1, ...envelope, facts, more: 1 })), 12);
    expect(read).toEqual({ ...envelope, version: 12, hash: expect.any(String), facts: [running(1)] });
  });
});

describe('an append of a newer version', () => {
  const newer = written(FACTS_VERSION + 1, [{ type: 'teleported' }]);

  test('is an error that names the versions and what to do', () => {
    expect(() => decodeAppend(newer, 12)).toThrow(NewerFactsError);
    expect(() => decodeAppend(newer, 12)).toThrow(
      `the message 12 of the log holds facts of version ${FACTS_VERSION + 1}, and this process reads versions up to ${FACTS_VERSION}: upgrade this process`,
    );
  });

  test('is an unreadable entry, with the same reason, for readers of the whole log', () => {
    const stored = { subject: 'invocation.orders.order-1', data: newer, sequence: 12, at: 5, headers: undefined };
    expect(fullEntryOf(stored)).toMatchObject({
      kind: 'unreadable',
      sequence: 12,
      why: expect.stringContaining(`facts of version ${FACTS_VERSION + 1}`),
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
