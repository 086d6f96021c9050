import { describe, expect, test } from 'vitest';
import { createSay, currentLanguage, fill, inLanguage, languageOf } from '#src/core/text/language.ts';

describe('a language', () => {
  test.each([
    [['zh-CN'], 'zh-CN'],
    [['zh_CN.UTF-8'], 'zh-CN'],
    [['zh-Hans-SG', 'en'], 'zh-CN'],
    [['fr-FR', 'zh'], 'zh-CN'],
    [['en-US', 'zh-CN'], 'en'],
    [['de', '*', 'C.UTF-8', 'zha'], 'en'],
    [[], 'en'],
  ])('is the first known one of %s: %s', (tags, expected) => {
    expect(languageOf(tags)).toBe(expected);
  });

  test('holds for a function only, also when the function throws', () => {
    const say = createSay({ 'attempt {number}': '第 {number} 次执行' });
    expect(inLanguage('zh-CN', () => say('attempt {number}', { number: 2 }))).toBe('第 2 次执行');
    const fails = () =>
      inLanguage('zh-CN', () => {
        throw new Error('no');
      });
    expect(fails).toThrow('no');
    expect(currentLanguage()).toBe('en');
    expect(say('attempt {number}', { number: 2 })).toBe('attempt 2');
  });

  test('takes a value as it is, also one that looks like a name', () => {
    expect(fill('{a} and {b}, not {c}', { a: '{b}', b: '$&' })).toBe('{b} and $&, not {c}');
  });

  test('takes a value of a getter, and no method of an object', () => {
    const server = new (class {
      get pid(): number {
        return 42;
      }
    })();
    expect(fill('process {pid}, {constructor}, {toString}', server as unknown as Record<string, number>)).toBe(
      'process 42, {constructor}, {toString}',
    );
  });
});
