import { afterEach, describe, expect, test, vi } from 'vitest';
import { outOfMemory, timedOut } from '#src/hosts/failures.ts';
import { failureSummary, messageText } from '#src/web/parts/failure-summary.ts';
import { chooseLanguage } from '#src/web/shell/language.ts';

afterEach(async () => {
  await chooseLanguage('en');
  vi.unstubAllGlobals();
});

describe('the message of a failure', () => {
  test('is in English as it is in the log, without the words that all share', async () => {
    vi.stubGlobal('document', { documentElement: {} });
    expect(failureSummary('function invocation exception, error: card declined')).toBe('card declined');
    for (const message of [
      timedOut(3_000).message,
      'function "gone" does not exist',
      'https://a/b answered 404 Not Found',
      'card declined',
    ])
      expect([messageText(message), messageText(`TypeError: ${message}`)]).toEqual([message, `TypeError: ${message}`]);
  });

  test('is Chinese on a Chinese page when Sequent wrote it, and unchanged when a function did', async () => {
    vi.stubGlobal('document', { documentElement: {} });
    await chooseLanguage('zh-CN');
    expect(messageText(`InvocationTimedOut: ${timedOut(3_000).message}`)).toBe('InvocationTimedOut: 函数执行超时（3000 ms）');
    expect(messageText(outOfMemory(128).message)).toBe('超出内存限制：函数最多使用 128 MB');
    expect(messageText('https://a/b answered 404 Not Found')).toBe('https://a/b 返回 404 Not Found');
    expect(failureSummary('function invocation exception, error: the card was declined')).toBe('the card was declined');
  });
});
