import { describe, expect, test } from 'vitest';
import { redactByDefault } from '#src/core/output/redaction.ts';
import { returned } from '#src/hosts/failures.ts';
import { finishOutput } from '#src/hosts/finish-output.ts';
import { appendOutput, keptBytesOf } from '#src/hosts/runtime/output.mjs';

const definition = { maxOutputBytes: 10_000 };
const finish = (output: string, maxOutputBytes?: number) =>
  finishOutput(returned('', output), { definition: maxOutputBytes === undefined ? {} : { maxOutputBytes }, redact: redactByDefault });

describe('the output of an execution', () => {
  test('is its last 4 KB for a function without the setting', () => {
    expect(finish('x'.repeat(9_000))).toEqual({ ...returned('', 'x'.repeat(4_096)) });
  });

  test('is whole besides, and only when it is longer than its end', () => {
    expect(finish('x'.repeat(9_000), 10_000)).toMatchObject({
      output: 'x'.repeat(4_096),
      wholeOutput: { text: 'x'.repeat(9_000), isCut: false },
    });
    expect(finish('x'.repeat(4_096), 10_000)).not.toHaveProperty('wholeOutput');
  });

  test('keeps its end when it is longer than the limit, and says so', () => {
    const { wholeOutput } = finish(`${'x'.repeat(10_000)}end`, 10_000);
    expect(wholeOutput).toEqual({ text: `${'x'.repeat(9_997)}end`, isCut: true });
    // Secrets make the text shorter than the limit, although its beginning was dropped before.
    const printed = `${'x'.repeat(keptBytesOf(definition) - 4_000)} password=${'s'.repeat(3_990)}`;
    const { wholeOutput: hidden } = finish(printed, 10_000);
    expect(hidden).toMatchObject({ text: expect.stringMatching(/ password=\[redacted\]$/), isCut: true });
  });

  test('has no secret, whole or not, that its beginning was cut from', () => {
    const password = `password=${'s'.repeat(2_000)}`;
    const { output, wholeOutput } = finish(`${password}${' '.repeat(10_000 - 1_000)}`, 10_000);
    expect([output, wholeOutput?.text].join('')).not.toContain('sss');
  });
});

test('output is collected up to twice its limit, and then cut to the limit at once', () => {
  let output = '';
  for (let i = 0; i < 25; i++) output = appendOutput(output, 'x'.repeat(1_000), 10_000);
  expect(output.length).toBe(14_000);
  expect(appendOutput('x'.repeat(8_000), 'y'.repeat(9_000))).toHaveLength(8_192);
});
