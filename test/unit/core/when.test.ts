import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '#machines/facts.ts';
import { parseInput } from '#src/core/functions/entry.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import { type When, whenSchema } from '#src/core/functions/when/when.ts';
import { whenInWords, whenTextInWords } from '#src/core/functions/when/when-in-words.ts';
import { failed, queued, succeeded } from '#test/support/log/facts.ts';

const REQUEST = '{"customer":"ada","rush":true,"tags":["new"]}';
const ended = succeeded(2, { payload: '{"order":{"total":120,"state":"paid"},"note":null}' });

function decide(when: When, outcome: Outcome = ended, payload = REQUEST) {
  return decideWhenFor({ fact: queued(), payload })(JSON.stringify(parseInput(whenSchema, when, 'when')), outcome);
}

const total: When = { of: 'response', path: '$.order.total' };

describe('a condition of a destination (WHEN1)', () => {
  test.for<[When, boolean]>([
    [{ ...total, greater: 100 }, true],
    [{ ...total, greater: 120 }, false],
    [{ ...total, less: 121 }, true],
    [{ ...total, equals: 120 }, true],
    [{ ...total, equals: '120' }, false],
    [{ ...total, in: [1, 120] }, true],
    [{ of: 'response', path: '$.order', exists: true }, true],
    [{ of: 'response', path: '$.note', equals: null }, true],
    [{ of: 'response', path: '$.order.missing', exists: false }, true],
    [{ of: 'response', path: '$.order.missing', equals: 1 }, false],
    [{ of: 'request', path: '$.customer', in: ['eve', 'ada'] }, true],
    [{ of: 'request', path: '$.rush', equals: true }, true],
    [{ of: 'request', path: '$.tags[0]', equals: 'new' }, true],
    [{ of: 'outcome', equals: 'succeeded' }, true],
    [{ of: 'condition', exists: false }, true],
    [{ of: 'condition', equals: 'EventAgeExceeded' }, false],
    [{ of: 'attempts', greater: 1 }, true],
    [{ of: 'attempts', in: [1, 3] }, false],
    [{ not: { ...total, greater: 100 } }, false],
    [{ and: [{ ...total, greater: 100 }, { not: { ...total, greater: 200 } }] }, true],
    [
      {
        or: [
          { ...total, less: 1 },
          { of: 'attempts', equals: 3 },
        ],
      },
      false,
    ],
  ])('%j is %s', ([when, holds]) => {
    expect(decide(when)).toEqual({ holds });
  });

  test('looks at the event {} for an empty payload of the request', () => {
    expect(decide({ of: 'request', path: '$', exists: true }, ended, '')).toEqual({ holds: true });
    expect(decide({ of: 'request', path: '$.rush', exists: false }, ended, '')).toEqual({ holds: true });
  });

  test('looks at the error of a failure as the response, and at its condition', () => {
    const end = failed(1, { condition: 'SystemError' });
    expect(decide({ of: 'response', path: '$.errorType', equals: 'Error' }, end)).toEqual({ holds: true });
    expect(decide({ of: 'condition', in: ['SystemError', 'EventAgeExceeded'] }, end)).toEqual({ holds: true });
    expect(decide({ of: 'outcome', equals: 'succeeded' }, end)).toEqual({ holds: false });
  });
});

describe('a condition that cannot be decided (WHEN2)', () => {
  const dropped = succeeded(1, { payload: '', droppedBytes: 300_000 });

  test.for<[When, Outcome, string, string]>([
    [{ ...total, less: 5 }, succeeded(1, { payload: '{}' }), REQUEST, 'the response payload has no $.order.total'],
    [
      { ...total, less: 5 },
      succeeded(1, { payload: '{"order":{"total":"4"}}' }),
      REQUEST,
      '$.order.total of the response payload is no number',
    ],
    [{ ...total, exists: true }, succeeded(1, { payload: 'oops' }), REQUEST, 'the response payload is not JSON'],
    [{ ...total, exists: false }, dropped, REQUEST, 'the returned value was too large to be kept'],
    [{ of: 'request', path: '$', exists: true }, ended, 'oops', 'the request payload is not JSON'],
    [
      { of: 'request', path: '$', exists: true },
      ended,
      'sealed:2.1.abc',
      'the request payload is encrypted, and the process that ended the invocation has no key',
    ],
    [{ not: { ...total, less: 5 } }, succeeded(1, { payload: '{}' }), REQUEST, 'the response payload has no $.order.total'],
    [
      {
        and: [
          { of: 'attempts', equals: 1 },
          { ...total, less: 5 },
        ],
      },
      succeeded(1, { payload: '{}' }),
      REQUEST,
      'the response payload has no $.order.total',
    ],
  ])('%j does not hold, and says why', ([when, outcome, payload, undecidable]) => {
    expect(decide(when, outcome, payload)).toEqual({ holds: false, undecidable });
  });

  test('leaves a whole decided that does not depend on it', () => {
    const unknown: When = { of: 'request', path: '$.customer', less: 5 };
    expect(decide({ or: [unknown, { ...total, equals: 120 }] })).toEqual({ holds: true });
    expect(decide({ and: [unknown, { ...total, equals: 1 }] })).toEqual({ holds: false });
  });

  test('is never an error, whatever the payloads are', () => {
    const subject = fc.oneof(
      fc.record({
        of: fc.constantFrom('request' as const, 'response' as const),
        path: fc.constantFrom('$', '$.a', '$.a[0]', '$["__proto__"]'),
      }),
      fc.constant({ of: 'attempts' as const }),
    );
    const operator = fc.oneof(
      fc.record({ less: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
      fc.record({ equals: fc.constantFrom(1, 'a', null) }),
    );
    const when = fc.tuple(subject, operator).map((parts) => Object.assign({}, ...parts) as When);
    const text = fc.oneof(fc.string(), fc.json());
    const property = fc.property(fc.array(when, { minLength: 1, maxLength: 3 }), text, text, (terms, request, response) => {
      const decision = decide({ and: terms as NonNullable<When['and']> }, succeeded(1, { payload: response }), request);
      expect(typeof decision.holds).toBe('boolean');
      expect(decide({ and: terms as NonNullable<When['and']> }, succeeded(1, { payload: response }), request)).toEqual(decision);
    });
    fc.assert(property);
  });
});

describe('a condition as it is configured', () => {
  test.for<[unknown, string]>([
    [{}, 'has no "of", which names what is compared; write for example {"of": "response", "path": "$.order.total", "greater": 100}'],
    [{ of: 'weather', equals: 1 }, 'must be one of outcome, condition, attempts, request, response'],
    [{ of: 'attempts' }, 'has no operator; write one of equals, in, less, greater'],
    [{ of: 'attempts', less: 3, greater: 1 }, 'has the operators less and greater; write one of equals, in, less, greater'],
    [{ of: 'attempts', exists: true }, 'is no operator of "attempts"; write one of equals, in, less, greater'],
    [{ of: 'response', greater: 1 }, 'has no "path"; write for example'],
    [{ of: 'attempts', path: '$.a', greater: 1 }, 'must be left out: only request and response have a path'],
    [{ of: 'response', path: 'order.total', greater: 1 }, 'must be a path, such as $.order.total'],
    [{ of: 'response', path: '$.a', greater: '1' }, 'must be a number'],
    [{ of: 'response', path: '$.a', in: [] }, 'must have a value'],
    [{ of: 'response', path: '$.a', equals: {} }, 'must be a text, a number, true, false or null'],
    [{ of: 'condition', equals: 'TooOld' }, 'is no value of "condition"; write one of UnhandledInvocationError, EventAgeExceeded'],
    [{ of: 'outcome', in: ['succeeded', 'ok'] }, 'is no value of "outcome"; write one of succeeded, failed'],
    [{ and: [] }, 'must have a comparison'],
    [{ and: [{ of: 'attempts' }] }, 'has no operator'],
    [{ and: [{ of: 'attempts', less: 2 }], of: 'attempts', less: 3 }, 'write one of them, and join comparisons by "and" or "or"'],
    [{ js: 'true' }, 'has no field "js"'],
    [
      { of: 'request', path: '$.a', in: Array.from({ length: 50 }, (_, n) => 'x'.repeat(30) + n) },
      'must have at most 1000 characters as JSON',
    ],
    ['$.a > 1', 'must be an object'],
  ])('%j is refused with the reason', ([when, why]) => {
    expect(() => parseInput(whenSchema, when, 'when')).toThrow(why);
  });

  test('is shown in words, also as the text of a fact', () => {
    expect(whenInWords({ ...total, greater: 100 })).toBe('response $.order.total greater 100');
    expect(whenInWords({ of: 'request', path: '$.id', exists: false })).toBe('request $.id does not exist');
    expect(whenInWords({ of: 'condition', in: ['SystemError'] })).toBe('condition in ["SystemError"]');
    expect(whenTextInWords('{"or":[{"of":"attempts","less":2},{"not":{"of":"outcome","equals":"failed"}}]}')).toBe(
      'attempts less 2 or not outcome equals "failed"',
    );
    expect(whenTextInWords('not JSON')).toBe('not JSON');
  });
});
