import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { InvalidInputError, LogFullError } from '#src/core/errors.ts';
import { type LineOutcome, type SendLinesOptions, sendLines } from '#src/core/lines/send-lines.ts';

async function* linesOf(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(`${text}\n`);
}

const numbersOf = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));

/** Sends lines, and returns what was reported, one entry for each line. */
async function sendAll(texts: readonly string[], options: Partial<SendLinesOptions<string>>) {
  const reported: LineOutcome<string>[] = [];
  const sent: string[] = [];
  const sending = sendLines(linesOf(texts), {
    maxLineBytes: 10,
    inFlight: { maxItems: 20, maxBytes: 1_000 },
    send: async ({ text }) => {
      sent.push(text);
      return text;
    },
    report: (outcomes) => void reported.push(...outcomes),
    ...options,
  });
  return { reported, sent, error: await sending.catch((error: unknown) => error as Error) };
}

describe('lines that are sent', () => {
  test('are reported in their order, whatever order they are answered in', async () => {
    const { reported, error } = await sendAll(numbersOf(100), {
      async send({ number, text }) {
        for (let turns = number % 7; turns > 0; turns--) await turn();
        return text;
      },
    });
    expect(error).toBeUndefined();
    expect(reported).toEqual(numbersOf(100).map((text, index) => ({ number: index + 1, answer: text })));
  });

  test('are reported with their problem when they are wrong, and the others are sent', async () => {
    const { reported } = await sendAll(['1', 'longer than ten', '', 'wrong', '5'], {
      async send({ text }) {
        if (text === 'wrong') throw new InvalidInputError({ field: 'the payload', problem: 'is wrong' });
        return text;
      },
    });
    expect(reported.map((one) => [one.number, 'problem' in one ? one.problem.message : one])).toEqual([
      [1, { number: 1, answer: '1' }],
      [2, 'the payload has more than 10 bytes'],
      [4, 'the payload is wrong'],
      [5, { number: 5, answer: '5' }],
    ]);
  });

  test('end with the first failure, after the lines in flight', async () => {
    const { reported } = await sendAll(numbersOf(1_000), {
      async send({ number, text }) {
        await turn();
        if (number === 3) throw new LogFullError({ why: 'the disk is full' });
        return text;
      },
    });
    expect(reported.length).toBeLessThanOrEqual(40);
    expect(reported.filter((one) => 'failure' in one)).toMatchObject([{ number: 3, failure: { code: 'LOG_FULL' } }]);
  });

  test('end at the first line beyond the limit, which the error names', async () => {
    const { reported, error } = await sendAll(['1', '2', '', '4', '5'], { maxLines: 3 });
    expect(reported.map(({ number }) => number)).toEqual([1, 2]);
    expect(error?.message).toBe('line 4 is not accepted: a batch has at most 3 lines; send the line and those after it as another batch');
  });

  test('wait for a reader that does not take the outcomes', async () => {
    let isTaken = (): void => {};
    let sent = 0;
    const sending = sendAll(numbersOf(1_000), {
      async send({ text }) {
        sent++;
        return text;
      },
      report: () => new Promise((resolve) => (isTaken = resolve)),
    });
    for (let turns = 0; turns < 200; turns++) await turn();
    expect(sent).toBe(20);
    let isOver = false;
    void sending.then(() => (isOver = true));
    while (!isOver) {
      isTaken();
      await turn();
    }
    expect(sent).toBe(1_000);
  });
});
