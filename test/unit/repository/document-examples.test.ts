import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blocksOf, commandsOf, documentsWithExamples, isExample, root } from '#test/support/documents/blocks.ts';
import { examples, ofOneTest } from '#test/support/documents/examples.ts';

/** The test of all examples of a document, if there is one. */
const oneTestOf = (document: string): string | undefined => Object.entries(ofOneTest).find(([path]) => document.startsWith(path))?.[1];
const own = documentsWithExamples.filter((document) => oneTestOf(document) === undefined);
const all = own.flatMap((document) =>
  blocksOf(document)
    .filter(isExample)
    .map((block, index) => ({
      document,
      block,
      example: examples[document]?.[index],
      name: `${document}: ${block.content.split('\n')[0]}`,
    })),
);

describe('each example of the documents', () => {
  test('is run, parsed or printed by a test, or says why it cannot run here', () => {
    const counts = (document: string): number => blocksOf(document).filter(isExample).length;
    expect(Object.fromEntries(Object.entries(examples).map(([document, { length }]) => [document, length]))).toEqual(
      Object.fromEntries(own.map((document) => [document, counts(document)])),
    );
    expect(all.length).toBeGreaterThan(80);
  });

  test('that another test runs is in a document that this test reads', () => {
    const named = [
      ...Object.entries(ofOneTest).map(([document, file]) => ({ document, file })),
      ...all.flatMap(({ document, example }) => (example?.kind === 'elsewhere' ? [{ document, file: example.test }] : [])),
    ];
    const reads = ({ document, file }: (typeof named)[number]): boolean =>
      readFileSync(join(root, file), 'utf8').includes(document.replace(/^docs\/(?=\w+\.md$|recipes)/, ''));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((one) => !reads(one))).toEqual([]);
  });

  test('of commands has an expectation for each command', () => {
    const wrong = all.flatMap(({ name, block, example }) =>
      example?.kind === 'commands' && commandsOf(block).length !== example.commands.length
        ? [`${name}: ${commandsOf(block).length} commands, ${example.commands.length} expectations`]
        : [],
    );
    expect(wrong).toEqual([]);
  });

  test('of a configuration is accepted by the parser of the product', () => {
    const parsed = all.flatMap(({ block, example }) => (example?.kind === 'valid' ? [example.parse(block.content)] : []));
    expect(parsed.length).toBeGreaterThan(5);
  });

  test('that cannot run here is one of few', () => {
    const notRun = all.filter(({ example }) => example?.kind === 'not-run').map(({ name }) => name);
    expect(notRun.length).toBeLessThanOrEqual(12);
  });
});
