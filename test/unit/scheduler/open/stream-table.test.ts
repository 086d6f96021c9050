import { afterEach, describe, expect, test, vi } from 'vitest';
import type { StreamName } from '#src/core/log/event-log.ts';
import { createStreamId, idFromSequence } from '#src/core/names/ids.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { NO_ROW, StreamTable } from '#src/scheduler/open/stream-table.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';

const name = (fn: string, stream: string): StreamName => ({ function: fn as FunctionName, stream: stream as StreamId });
const keyOf = ({ function: fn, stream }: StreamName): string => `${fn}.${stream}`;

/** Names of all forms: created ids of one millisecond, ids from sequences, and ids that callers brought. */
function namesOf(random: () => number, count: number): StreamName[] {
  const bytes = (): Uint8Array => Uint8Array.from({ length: 8 }, () => Math.floor(random() * 256));
  const forms: ((index: number) => string)[] = [
    () => createStreamId(1_764_000_000_000, bytes()),
    (index) => idFromSequence(1_764_000_000_000 + (index % 3), index),
    (index) => `order-${index}`,
    // As long as a UUID, with its dashes, and none.
    (index) => `${String(index).padStart(8, '0')}-0000-8000-8000-00000000000G`,
    (index) => `${String(index).padStart(8, '0')}-0000-8000-8000-00000000000A`,
  ];
  return Array.from({ length: count }, (_, index) => {
    const form = forms[index % forms.length] as (index: number) => string;
    // Functions may share an id.
    return name(`fn-${Math.floor(random() * 3)}`, form(index - (index % 10 === 0 ? 5 : 0)));
  });
}

/** Notes how large any map becomes. */
function watchMaps(): { largest: number; end(): void } {
  const { set } = Map.prototype;
  const sizes = {
    largest: 0,
    end() {
      Map.prototype.set = set;
    },
  };
  Map.prototype.set = function (this: Map<unknown, unknown>, ...entry) {
    sizes.largest = Math.max(sizes.largest, this.size);
    return set.apply(this, entry);
  };
  return sizes;
}

/** The plain map: each name with its row. */
type Model = Map<string, { of: StreamName; row: number }>;

/** Looks a name up, and then adds or removes it. Returns how the table differs from the model. */
function change(
  table: StreamTable,
  { model, of, adds, removes }: { model: Model; of: StreamName; adds: boolean; removes: boolean },
): string | undefined {
  const known = model.get(keyOf(of));
  const found = table.find(of);
  if (known === undefined && adds) model.set(keyOf(of), { of, row: table.add(of) });
  if (known !== undefined && removes) {
    table.remove(known.row);
    model.delete(keyOf(of));
  }
  if (found !== (known?.row ?? NO_ROW)) return `${keyOf(of)} is found at ${found}`;
  return table.size === model.size ? undefined : `the table has ${table.size} names`;
}

afterEach(() => vi.restoreAllMocks());

describe('the table of streams', () => {
  test.for([1, 2, 3, 4, 5])('finds what a plain map finds, in the order of adding, with the seed %i', (seed) => {
    const random = createSeededRandom(seed);
    const names = namesOf(random, 3_000);
    const table = new StreamTable();
    const model: Model = new Map();
    const problems: string[] = [];
    for (let step = 0; step < 20_000; step++) {
      const of = names[Math.floor(random() * names.length)] as StreamName;
      // The table fills, is emptied, and fills again.
      const isFilling = Math.floor(step / 5_000) % 2 === 0;
      const problem = change(table, { model, of, adds: isFilling || random() < 0.1, removes: !isFilling || random() < 0.1 });
      if (problem !== undefined) problems.push(`step ${step}: ${problem}`);
    }
    expect(problems).toEqual([]);
    expect(model.size).toBeGreaterThan(0);
    expect([...table]).toEqual([...model.values()].map(({ row }) => row));
    expect([...table].map((row) => table.nameOf(row))).toEqual([...model.values()].map(({ of }) => of));
    expect(table.first).toBe([...model.values()][0]?.row);
    expect(new Set(table).size).toBe(model.size);
  });

  test('starts anew when a large one is empty, and holds the next names as before', () => {
    const table = new StreamTable();
    const streams = Array.from({ length: 50_000 }, (_, index) => name('orders', idFromSequence(1_764_000_000_000, index)));
    const rows = streams.map((stream) => table.add(stream));
    expect(new Set(rows).size).toBe(streams.length);
    expect(rows.filter((row) => table.remove(row))).toEqual([rows.at(-1)]);
    expect([table.size, table.first, table.find(streams[0] as StreamName)]).toEqual([0, NO_ROW, NO_ROW]);
    const again = table.add(streams[7] as StreamName);
    expect([again, table.nameOf(again)]).toEqual([0, streams[7]]);
  });

  test.for([
    ['created ids', (index: number): string => idFromSequence(1_764_000_000_000, index)],
    ['ids of callers', (index: number): string => `order-${index}`],
  ] as [string, (index: number) => string][])('moves few of 300,000 names in one step, with %s', ([, form]) => {
    const table = new StreamTable();
    const made = vi.spyOn(Int32Array.prototype, 'fill');
    const sizes = watchMaps();
    for (let index = 0; index < 300_000; index++) table.add(name('orders', form(index)));
    sizes.end();
    // A hash table of V8 and one of integers moves all its entries when it becomes too small.
    expect(Math.max(...made.mock.contexts.map((table) => (table as Int32Array).length))).toBeLessThan(20_000);
    expect(sizes.largest).toBeLessThan(20_000);
    expect(table.find(name('orders', form(299_999)))).toBe(299_999);
  });

  test('finds an id of any function', () => {
    const table = new StreamTable();
    const [first, , third] = [name('a', 'order-1'), name('b', 'order-2'), name('c', 'order-1')].map((one) => table.add(one));
    expect([...table.findAll('order-1' as StreamId)]).toEqual([first, third]);
    expect([...table.findAll('order-3' as StreamId)]).toEqual([]);
  });
});
