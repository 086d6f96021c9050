import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { PassingMap } from '#src/core/stream/passing-map.ts';

describe('a passing map', () => {
  test('holds the entries that were set and not deleted, in insertion order', () => {
    const map = new PassingMap<string, number>();
    map.set('a', 1);
    map.set('b', 2);
    map.set('c', 3);
    expect(map.delete('b')).toBe(2);
    expect(map.delete('b')).toBeUndefined();
    map.set('a', 4);
    expect([map.size, map.get('a'), map.get('b'), map.has('c'), map.has('b')]).toEqual([2, 4, undefined, true, false]);
    expect([...map]).toEqual([
      ['c', 3],
      ['a', 4],
    ]);
  });

  test('allows deletes during an iteration', () => {
    const map = new PassingMap<number, string>();
    for (let key = 0; key < 5; key++) map.set(key, `value ${key}`);
    const seen: number[] = [];
    for (const [key] of map) {
      seen.push(key);
      map.delete(key);
    }
    expect([seen, map.size]).toEqual([[0, 1, 2, 3, 4], 0]);
  });

  test('retains at most a fifth of its deleted entries, also once its table is promoted', () => {
    const retained = retainedInKb();
    process.stdout.write(`a passing map retained ${retained} of ${PASSED_IN_KB} kB that had passed\n`);
    expect(retained).toBeLessThan(PASSED_IN_KB / 5);
  });
});

const PASSED_IN_KB = 40_000;

/** The growth of the old generation in kB while values of 1 kB pass through the map, 64 at a time, after one table was promoted. */
function retainedInKb(): number {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { PassingMap } from '#src/core/stream/passing-map.ts';
    const old = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space').space_used_size;
    const map = new PassingMap();
    let next = 0;
    const pass = (count) => {
      for (const end = next + count; next < end; next++) {
        map.set(next, new Array(125).fill(next));
        map.delete(next - 64);
      }
    };
    pass(64);
    for (let i = 0; i < 3; i++) gc({ type: 'minor' });
    const before = old();
    for (let i = 0; i < ${PASSED_IN_KB / 2_000}; i++) {
      pass(2_000);
      gc({ type: 'minor' });
    }
    console.log(Math.round((old() - before) / 1_000));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
    cwd: new URL('../../../..', import.meta.url).pathname,
  });
  expect(stderr).toBe('');
  return Number(stdout);
}
