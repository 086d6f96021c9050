import { expect, test } from 'vitest';
import { isGb18030Locale, languageOfLocale } from '#src/cli/language.ts';
import { formatBytes, formatMoment } from '#src/cli/print/format.ts';
import { encodeGb18030 } from '#src/cli/print/gb18030.ts';
import { cut, padEnd, padStart, widthOf } from '#src/cli/print/terminal.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { inLanguage, languages } from '#src/core/text/language.ts';

test.for([
  [{ LANG: 'zh_CN.UTF-8' }, 'zh-CN'],
  [{ LANG: 'en_US.UTF-8', LC_ALL: 'zh_CN.utf8' }, 'zh-CN'],
  [{ LANG: 'zh_CN.UTF-8', LC_ALL: 'C.UTF-8' }, 'en'],
  [{ LANG: 'de_DE.UTF-8', LC_MESSAGES: 'zh_CN.UTF-8' }, 'zh-CN'],
  [{ LANG: 'zh_CN' }, 'zh-CN'],
  [{ LANG: 'zh-CN' }, 'zh-CN'],
  [{ LANG: 'zh' }, 'zh-CN'],
  [{ LANG: 'zh_CN.GB18030' }, 'zh-CN'],
  [{ LANG: 'zh_CN.gbk@pinyin' }, 'zh-CN'],
  [{ LANG: 'zh_CN.GB2312' }, 'zh-CN'],
  [{ LANG: 'zh_TW.BIG5' }, 'en'],
  [{ LANG: 'zh_CN.ISO-8859-1' }, 'en'],
  [{ LANG: 'C', LC_MESSAGES: 'zh_CN' }, 'en'],
  [{ LANG: 'en_US' }, 'en'],
  [{ LANG: 'C' }, 'en'],
  [{}, 'en'],
] as const)('the messages of the locale %j are in %s', ([env, language]) => {
  expect(languageOfLocale(env)).toBe(language);
});

test('a Chinese character takes two columns', () => {
  expect([widthOf('stream'), widthOf('流 x'), widthOf('（）')]).toEqual([6, 4, 4]);
  expect([padEnd('流', 4), padStart('流', 4), padEnd('流流', 3)]).toEqual(['流  ', '  流', '流流']);
  expect([cut('消息流', 6), cut('消息流', 5), cut('消息流 x', 7), cut('消息流', 2)]).toEqual(['消息流', '消...', '消息...', '消']);
});

test.for([
  ['zh_CN.GB18030', true],
  ['zh_CN.GBK', true],
  ['zh_CN.UTF-8', false],
  ['zh_CN', false],
] as const)('a terminal of the locale %s gets the bytes of GB 18030: %s', ([LANG, expected]) => {
  expect(isGb18030Locale({ LANG })).toBe(expected);
});

test('a text in GB 18030 is what its readers decode, with a question mark for a character that it lacks', () => {
  const text = 'ID  函数：重新通知（3 次）“……”';
  expect(new TextDecoder('gb18030').decode(encodeGb18030(text))).toBe(text);
  expect(encodeGb18030('流')).toEqual(Uint8Array.of(0xc1, 0xf7));
  expect(new TextDecoder('gb18030').decode(encodeGb18030('a😀b'))).toBe('a?b');
});

test.for(languages)('durations have the symbols of the SI, dates the order of ISO 8601, and numbers a point, in %s', (language) => {
  const at = new Date(2026, 0, 31, 9, 5, 7).getTime();
  inLanguage(language, () => {
    expect([12, 1_250, 125_000, 12_000_000, 90_000_000].map(formatDuration)).toEqual([
      '12 ms',
      '1.25 s',
      '2 min 5 s',
      '3 h 20 min',
      '1 d 1 h',
    ]);
    expect(formatMoment(at)).toBe('2026-01-31 09:05:07');
    expect(formatBytes(1_572_864)).toBe('1.5 MB');
  });
});
