import { describe, expect, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import { whenSchema } from '#src/core/functions/when/when.ts';
import { elementTexts, memberText } from '#src/core/json/json-parts.ts';
import { parseJsonPath, valueAt } from '#src/core/json/json-path.ts';
import { refuseCostlyJson } from '#src/gateway/http/bodies/json-scan.ts';
import { parseChildLine } from '#src/hosts/process/child-frames.ts';

/*
 * What a gateway or a worker does for the bytes of one project in the thread that all projects share. Each text of the generator has a worst
 * case of some parser: deep, wide, many keys, equal keys, long and escaped strings, and white space.
 */

const texts: Record<string, (length: number) => string> = {
  deep: (length) => '['.repeat(length / 2) + ']'.repeat(length / 2),
  'deep objects': (length) => '{"a":'.repeat(length / 6) + 1 + '}'.repeat(length / 6),
  wide: (length) => `[${'1,'.repeat(length / 2)}1]`,
  'many keys': (length) => `{${Array.from({ length: length / 10 }, (_, index) => `"k${index}":1`).join(',')}}`,
  'equal keys': (length) => `{${'"key":1,'.repeat(length / 8)}"key":1}`,
  'a long string': (length) => JSON.stringify(['a'.repeat(length)]),
  quotes: (length) => JSON.stringify(['"'.repeat(length / 2)]),
  backslashes: (length) => JSON.stringify([`${'\\'.repeat(length / 2)}`]),
  'short strings': (length) => `[${'"",'.repeat(length / 3)}""]`,
  'white space': (length) => `[${' '.repeat(length)}1]`,
};

const conditions = (comparisons: number): string =>
  JSON.stringify(whenSchema.parse({ and: Array.from({ length: comparisons }, () => ({ of: 'response', path: '$.x', exists: false })) }));
function decide(payload: string, comparisons: number): void {
  const when = decideWhenFor({ payload, fact: { function: 'f' } } as never);
  const written = conditions(comparisons);
  for (let destination = 0; destination < 10; destination++) when(written, { type: 'succeeded', payload } as never);
}

const works: Record<string, (text: string) => unknown> = {
  'counts what it costs': (text) => refuseCostlyJson(Buffer.from(text)),
  'splits an array of events': (text) => elementTexts(text),
  'finds the event of a schedule': (text) => memberText(`{"a":${text},"event":${text}}`, 'event'),
  'decides ten conditions': (text) => decide(text, 10),
  'finds the key of a flow': (text) => valueAt(JSON.parse(text), parseJsonPath('$.k1') ?? []),
  'checks a definition': (text) =>
    functionDefinitionSchema.safeParse({ name: 'f', handler: { kind: 'inline' }, userData: JSON.parse(text), policy: JSON.parse(text) }),
  'reads the frame of a function': (text) => parseChildLine(JSON.stringify(['returned', 1, text, text, 1])),
  'reads a frame that is no frame': (text) => parseChildLine(`["failed",1,${text}]`),
};

/** The least processor time of several runs in milliseconds. The time of the clock depends on what else runs. */
function timeOf(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}

describe('the work for the bytes of one project', () => {
  test.for(Object.entries(works))('takes a time in proportion to the bytes when it %s', { timeout: 120_000 }, ([, work]) => {
    for (const [name, text] of Object.entries(texts)) {
      const short = text(65_536);
      const long = text(4 * 65_536);
      work(short); // Compiles the code.
      const once = timeOf(() => work(short));
      const fourTimes = timeOf(() => work(long));
      // In quadratic time the factor is 16. Some milliseconds are the noise of a run, such as a collection of garbage.
      expect(fourTimes, `${name}: ${once} ms, and ${fourTimes} ms for four times the text`).toBeLessThan(8 * once + 30);
    }
  });

  test('parses a payload once for all comparisons of all conditions', () => {
    const payload = texts['many keys']?.(262_144) ?? '';
    decide(payload, 1);
    const one = timeOf(() => decide(payload, 1));
    const hundred = timeOf(() => decide(payload, 10));
    expect(hundred, `${one} ms with 10 comparisons, ${hundred} ms with 100`).toBeLessThan(3 * one + 12);
  });
});
