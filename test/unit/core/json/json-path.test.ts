import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJsonPath, valueAt } from '#src/core/json/json-path.ts';

const payload = { order: { total: 12, 'unit price': 3, lines: [{ id: 'a' }, { id: 'b' }] }, 客户: 'Ada', none: null };
const at = (text: string): unknown => valueAt(payload, parseJsonPath(text) ?? ['no path']);

describe('a path of a payload', () => {
  test.for<[string, unknown]>([
    ['$', payload],
    ['$.order.total', 12],
    ['$.order["unit price"]', 3],
    ['$.order.lines[1].id', 'b'],
    ['$["order"]["total"]', 12],
    ['$.客户', 'Ada'],
    ['$.none', null],
  ])('%s names a value', ([text, value]) => {
    expect(at(text)).toEqual(value);
  });

  test.for(['$.nothing', '$.order.total.cents', '$.order.lines[2]', '$.order[0]', '$.order.lines.length', '$.none.more', '$.toString'])(
    '%s names nothing',
    (text) => {
      expect(at(text)).toBeUndefined();
    },
  );

  test.for(['', 'order', '.order', '$order', '$.', '$..order', '$.a b', '$[-1]', '$[01]', '$[*]', '$["a]', '$.a]', `$.${'x'.repeat(255)}`])(
    'is not "%s"',
    (text) => {
      expect(parseJsonPath(text)).toBeUndefined();
    },
  );

  test('finds every field of every object by its name as a JSON text', () => {
    const property = fc.property(fc.string({ maxLength: 40 }), fc.jsonValue(), (name, value) => {
      const path = parseJsonPath(`$[${JSON.stringify(name)}]`);
      expect(valueAt(JSON.parse(JSON.stringify({ [name]: value })), path ?? ['no path'])).toEqual(JSON.parse(JSON.stringify(value)));
    });
    fc.assert(property, { examples: [['__proto__', 1]] });
  });
});
