import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlowWindow } from '#src/core/lines/flow-window.ts';
import { type Line, readLines } from '#src/core/lines/read-lines.ts';

async function* of(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

async function linesOf(chunks: AsyncIterable<Uint8Array>, maxBytes = 100): Promise<[number, string][]> {
  const found: Line[] = [];
  for await (const lines of readLines(chunks, maxBytes)) found.push(...lines);
  return found.map((line) => [line.number, 'problem' in line ? line.problem.message : line.text]);
}

describe('the lines of an input', () => {
  test('have their numbers, and empty lines are counted', async () => {
    expect(await linesOf(of('{"a":1}\n\n  \r\n{"b"', ':2}\n3'))).toEqual([
      [1, '{"a":1}'],
      [4, '{"b":2}'],
      [5, '3'],
    ]);
  });

  test('that are too long or no text have a problem, and the next line is read', async () => {
    const lines = await linesOf(of('"', 'x'.repeat(99), 'y', '"\n1\n', Uint8Array.of(0xff, 10), '2'), 100);
    expect(lines).toEqual([
      [1, 'the payload has more than 100 bytes'],
      [2, '1'],
      [3, 'the payload is not UTF-8 text'],
      [4, '2'],
    ]);
  });

  test('are the same however the input is cut', async () => {
    const text = fc.array(
      fc.string({ unit: 'grapheme', maxLength: 12 }).map((line) => `x${line.replaceAll('\n', '')}`),
      { minLength: 1 },
    );
    const property = fc.asyncProperty(text, fc.array(fc.nat(20)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.join('\n'));
      const chunks: Uint8Array[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        chunks.push(bytes.subarray(at, at + cut));
        at += cut;
      }
      expect(await linesOf(of(...chunks), 1_000)).toEqual(lines.map((line, index) => [index + 1, line]));
    });
    await fc.assert(property);
  });
});

test('a window lets in what fits, one item beyond all bytes, and is drained at the end', async () => {
  const flow = new FlowWindow({ maxItems: 2, maxBytes: 10 });
  await flow.enter(50);
  let isIn = false;
  const second = flow.enter(1).then(() => {
    isIn = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isIn).toBe(false);
  flow.leave(50);
  await second;
  await flow.enter(9);
  const drained = flow.drained();
  flow.leave(1);
  flow.leave(9);
  await drained;
});
