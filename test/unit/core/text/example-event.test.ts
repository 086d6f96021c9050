import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { exampleEvent } from '#src/core/text/example-event.ts';

type Tree = { name: string; children: Tree[] };
const tree: z.ZodType<Tree> = z.object({ name: z.string(), children: z.lazy(() => z.array(tree)) });

const order = z.object({
  id: z.number().int().positive(),
  kind: z.enum(['new', 'repeated']),
  to: z.email(),
  currency: z.string().default('EUR'),
  items: z.array(z.object({ name: z.string().min(6), price: z.number().min(0.5), isGift: z.boolean() })).min(1),
  channel: z.union([z.literal('web'), z.null()]),
  place: z.tuple([z.number(), z.number()]).optional(),
  note: z.string().nullable(),
});

describe('the example of a schema', () => {
  test('has every field of a zod schema, with a value that the schema accepts', () => {
    const event: unknown = JSON.parse(exampleEvent(order) ?? '');
    expect(event).toEqual({
      id: 1,
      kind: 'new',
      to: 'name@example.com',
      currency: 'EUR',
      items: [{ name: 'text..', price: 0.5, isGift: false }],
      channel: 'web',
      place: [0, 0],
      note: 'text',
    });
    expect(order.safeParse(event).success).toBe(true);
  });

  test.each([
    [z.object({ at: z.date(), count: z.bigint() }), { at: {}, count: {} }],
    [z.object({ a: z.object({ one: z.number() }).and(z.object({ two: z.number() })) }), { a: { one: 0, two: 0 } }],
    [z.object({ below: z.number().max(-2), above: z.number().gt(4) }), { below: -2, above: 5 }],
    [
      { type: 'object', properties: { a: { examples: ['given'] }, b: { type: ['string', 'null'] } } },
      { a: 'given', b: 'text' },
    ],
    [{ $ref: '#/$defs/one', $defs: { one: { const: 1 } } }, 1],
  ])('also exists for %s', (schema, expected) => {
    expect(JSON.parse(exampleEvent(schema) ?? '')).toEqual(expected);
  });

  test('of a schema that refers to itself ends', () => {
    const text = exampleEvent(tree) ?? '';
    expect(tree.safeParse(JSON.parse(text)).success).toBe(true);
    expect(text.length).toBeLessThan(1_000);
    expect(exampleEvent({ $ref: '#' })).toBe('{}');
  });

  test.each([[undefined], [() => 1], ['text'], [{ '~standard': { version: 1, vendor: 'other', validate: () => ({ value: 1 }) } }]])(
    'does not exist for %s',
    (schema) => {
      expect(exampleEvent(schema)).toBeUndefined();
    },
  );
});
