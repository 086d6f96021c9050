import { NatsError } from 'nats';
import { expect, test } from 'vitest';
import { readPatiently } from '#src/core/no-answer-error.ts';

/** A read that fails with these codes, one after another, and then succeeds. */
function readFailing(...codes: string[]): { read: () => Promise<string>; reads: () => number } {
  let reads = 0;
  const read = async (): Promise<string> => {
    const code = codes[reads++];
    if (code !== undefined) throw new NatsError(code, code);
    return 'value';
  };
  return { read, reads: () => reads };
}

test('a read without an answer is repeated, three times in all', async () => {
  const busy = readFailing('TIMEOUT', '503');
  expect(await readPatiently(busy.read)).toBe('value');
  const silent = readFailing('TIMEOUT', 'TIMEOUT', 'TIMEOUT', 'TIMEOUT');
  await expect(readPatiently(silent.read)).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(silent.reads()).toBe(3);
});

test('a refusal is an answer', async () => {
  const refused = readFailing('PERMISSIONS_VIOLATION');
  await expect(readPatiently(refused.read)).rejects.toMatchObject({ code: 'PERMISSIONS_VIOLATION' });
  expect(refused.reads()).toBe(1);
});
