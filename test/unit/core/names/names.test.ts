import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '#src/core/errors.ts';
import {
  canBeBrought,
  createStreamId,
  derivedId,
  idAt,
  idFromSequence,
  isCreatedId,
  isDerivedForm,
  isStreamId,
  keyedId,
  streamOf,
} from '#src/core/names/ids.ts';
import {
  functionIn,
  isBareName,
  isFunctionName,
  isQualifier,
  isRequestId,
  parseFunctionName,
  parseQualifier,
  parseRequestId,
  quote,
  splitName,
} from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { parseSubject } from '#src/nats/wire/topology.ts';

/*
 * No input becomes a subject without validation (U1). Every accepted name is one token of a subject.
 */

const hostile = [
  '',
  '.',
  '..',
  'a.b',
  '.a',
  'a.',
  '*',
  '>',
  'a.>',
  ' ',
  'a b',
  ' a',
  'a ',
  'a\tb',
  'a\r\nPUB invoke.victim 2\r\n{}',
  'a\n',
  'a\r',
  '\u0000',
  'a\u0000',
  'x'.repeat(5_000),
  'größe',
  '函数',
  'а', // Cyrillic
  'a\u200b',
  'a\u2028b',
  '\ud800',
  '$JS',
  '$SYS.REQ',
  '_INBOX.x',
  '../../etc/passwd',
  '%2e',
  'a/b',
  '{a}',
  'p=',
  '=a',
  'p=a=b',
  'p=1a',
  'p.q=a',
  'p =a',
  'a:',
  ':a',
  'a:b:c',
  'a:1b',
  'a:!b',
  'a b:c',
  'a.b:c',
  'a:b.c',
  'a:p=b',
  'p=a:',
  'default:default:a',
];
const anyText = fc.oneof(
  fc.constantFrom(...hostile),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({
    unit: fc.constantFrom('a', 'Z', '0', '-', '_', '=', ':', '.', '*', '>', ' ', '\t', '\r', '\n', '\u0000', '!', 'ü'),
    maxLength: 70,
  }),
);

const readers = [
  ['parseFunctionName', parseFunctionName, /^(?:[A-Za-z0-9_-]{1,64}=)?(?:[A-Za-z0-9_-]{1,64}:)?[A-Za-z][A-Za-z0-9_-]{0,59}$/],
  ['parseRequestId', parseRequestId, /^[A-Za-z0-9_-]{1,64}$/],
  ['parseQualifier', parseQualifier, /^!?[A-Za-z0-9_.-]{1,42}$/],
] as const;

describe.for(readers)('%s', ([name, parse, safe]) => {
  // A version may contain dots, because a qualifier never becomes a token.
  const refused = hostile.filter((text) => name !== 'parseQualifier' || text !== 'a.b');
  test.for(refused)('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(InvalidInputError);
  });

  test('accepts no text that is more than one token', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        let passed: string;
        try {
          passed = parse(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_INPUT', retryable: false });
          // The message is one short line for every input.
          expect((error as Error).message).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,900}$/u);
          return;
        }
        expect(passed).toBe(text);
        expect(passed).toMatch(safe);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('names', () => {
  test.for(['a', 'A', 'orders', 'a-b_c', 'a1', 'constructor', 'toString', `a${'b'.repeat(59)}`])('%s is a function name', (text) => {
    expect(isFunctionName(text)).toBe(true);
  });

  test.for(['1a', '-a', '_a', 'a-', 'a_', '_', '__proto__', 'a'.repeat(61)])('%s is not a function name', (text) => {
    expect(isFunctionName(text)).toBe(false);
  });

  test.for(['p2=a', '_=a', '-=a', '0123456789abcdef0123456789abcdef=a', `${'p'.repeat(64)}=a${'b'.repeat(59)}`])(
    '%s is the function of another project, and no bare name',
    (text) => {
      expect(isFunctionName(text)).toBe(true);
      expect(isBareName(text)).toBe(false);
      const { project, bare } = splitName(text);
      expect(functionIn(project, bare)).toBe(text);
    },
  );

  test('no name of a caller reaches another project', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.constantFrom('p2=a', 'own=a', '=a')), fc.constantFrom(undefined, 'own'), (text, project) => {
        let token: string;
        try {
          token = functionIn(project, text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInputError);
          return;
        }
        expect(splitName(token)).toEqual({ project, bare: text });
      }),
      { numRuns: 2_000 },
    );
  });

  test.for(['latest', 'v2', '!live', '1.0.0', 'a'.repeat(42)])('%s is a qualifier', (text) => expect(isQualifier(text)).toBe(true));
  test.for(['!', '!!a', '-a', '.a', 'a.', 'a'.repeat(43)])('%s is not a qualifier', (text) => expect(isQualifier(text)).toBe(false));

  test('hostile text is shown on one line, shortened', () => {
    expect(quote('a\r\nb\u0000')).toBe('"a\\r\\nb\\u0000"');
    expect(quote('\u009b31m\u202e\u007f\u2028')).toBe('"\\u{9b}31m\\u{202e}\\u{7f}\\u{2028}"');
    expect(quote('x'.repeat(5_000))).toBe(`"${'x'.repeat(64)}…"`);
  });
});

describe('ids', () => {
  const random = fc.uint8Array({ minLength: 8, maxLength: 8 });
  const moment = fc.integer({ min: 0, max: 2 ** 45 });
  const index = fc.integer({ min: 0, max: 63 });

  test('of a batch contain their stream, and cannot be brought by a caller', () => {
    fc.assert(
      fc.property(moment, random, index, (now, bytes, at) => {
        const stream = createStreamId(now, bytes);
        const id = idAt(stream, at);
        expect(isStreamId(stream)).toBe(true);
        expect(isRequestId(id)).toBe(true);
        expect(streamOf(id)).toBe(stream);
        expect(canBeBrought(id)).toBe(at === 0);
      }),
    );
  });

  test('that are created never equal ids derived from a sequence', () => {
    fc.assert(
      fc.property(moment, random, fc.integer({ min: 1, max: 2 ** 40 }), (now, bytes, sequence) => {
        expect(createStreamId(now, bytes)).not.toBe(idFromSequence(now, sequence));
      }),
    );
  });

  test('derived from another id keep its time, are their own stream, and cannot be brought (OWN1)', () => {
    fc.assert(
      fc.property(moment, random, fc.string(), fc.string(), (now, bytes, one, other) => {
        fc.pre(one !== other);
        const parent = createStreamId(now, bytes);
        const child = derivedId(`${parent}/${one}`);
        const grandchild = derivedId(`${child}/${one}`);
        for (const id of [child, grandchild])
          expect(id).toMatch(new RegExp(`^${parent.slice(0, 13)}-8[0-9a-f]{3}-e[0-9a-f]{3}-[0-9a-f]{12}$`));
        expect(derivedId(`${parent}/${one}`)).toBe(child);
        expect([grandchild, derivedId(`${parent}/${other}`)]).not.toContain(child);
        expect([streamOf(child), canBeBrought(child), isDerivedForm(child), isCreatedId(child)]).toEqual([child, false, true, false]);
      }),
    );
    expect(derivedId('order-4711/functiongraph-0')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-e[0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('of keys keep the time of the key, and are no derived ids', () => {
    expect(keyedId('order-4711')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    fc.assert(
      fc.property(moment, random, (now, bytes) => {
        const id = keyedId(`${createStreamId(now, bytes)}/key`);
        expect([id.slice(0, 15), isDerivedForm(id), streamOf(id)]).toEqual([`${createStreamId(now, bytes).slice(0, 13)}-7`, false, id]);
      }),
    );
  });

  test.for([
    [1, '01a21884-eb4d-8000-8000-000000010000'],
    [0xffff_ffff, '01a21884-eb4d-8000-8000-ffffffff0000'],
    [2 ** 32, '01a21884-eb4d-8000-8001-000000000000'],
    [2 ** 43 + 5, '01a21884-eb4d-8000-8800-000000050000'],
  ])('of a sequence never change: %j', ([sequence, id]) => {
    expect(idFromSequence(1_795_707_693_901, Number(sequence))).toBe(id);
  });

  test('derived from two sequences differ, also at the same moment', () => {
    fc.assert(
      fc.property(moment, fc.integer({ min: 1, max: 2 ** 43 }), fc.integer({ min: 1, max: 2 ** 43 }), (now, one, other) => {
        fc.pre(one !== other);
        expect(idFromSequence(now, one)).not.toBe(idFromSequence(now, other));
      }),
    );
  });

  test('are in the order of time', () => {
    fc.assert(
      fc.property(moment, moment, random, random, (one, other, a, b) => {
        fc.pre(one < other);
        expect(createStreamId(one, a) < createStreamId(other, b)).toBe(true);
      }),
    );
  });

  test('that a caller brings are their own stream', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        if (!canBeBrought(text)) return;
        expect(isRequestId(text)).toBe(true);
        expect(streamOf(text)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a subject', () => {
  test('is parsed into valid names only', () => {
    fc.assert(
      fc.property(fc.constantFrom('invoke', 'invocation', 'wake', 'deliver', 'result', ''), anyText, anyText, (kind, token, stream) => {
        const parts = parseSubject(`${kind}.${token}.${stream}`);
        if (parts.kind === 'foreign' || parts.kind === 'erase') return;
        const name = parts.kind === 'invocation' ? parts.name.function : parts.function;
        expect(name).toMatch(/^(_|(?:[A-Za-z0-9_-]+=)?(?:[A-Za-z0-9_-]+:)?[A-Za-z][A-Za-z0-9_-]*)$/);
        if (parts.kind === 'invocation') expect(subjects.invocation(parts.name)).toMatch(/^invocation\.[A-Za-z0-9_=:-]+\.[A-Za-z0-9_-]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});
