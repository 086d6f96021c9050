import { expect, test } from 'vitest';
import { languageOfLocale } from '#src/cli/language.ts';
import { widthOf } from '#src/cli/print/terminal.ts';

test.for([
  [{ LANG: 'zh_CN.UTF-8' }, 'zh-CN'],
  [{ LANG: 'en_US.UTF-8', LC_ALL: 'zh_CN.utf8' }, 'zh-CN'],
  [{ LANG: 'zh_CN.UTF-8', LC_ALL: 'C.UTF-8' }, 'en'],
  [{ LANG: 'de_DE.UTF-8', LC_MESSAGES: 'zh_CN.UTF-8' }, 'zh-CN'],
  [{ LANG: 'zh_CN.GB2312' }, 'en'],
  [{ LANG: 'zh_CN' }, 'en'],
  [{}, 'en'],
] as const)('the messages of the locale %j are in %s', ([env, language]) => {
  expect(languageOfLocale(env)).toBe(language);
});

test('a Chinese character takes two columns', () => {
  expect([widthOf('stream'), widthOf('流 x'), widthOf('（）')]).toEqual([6, 4, 4]);
});
