import { describe, expect, test } from 'vitest';
import { llmsOf } from '../../../build/site/llms.ts';
import { sections } from '../../../build/site/pages.ts';

const files = { ...llmsOf('en', 'summary'), ...llmsOf('zh', 'summary') };
const pages = sections.flatMap((section) => section.pages);
/** The addresses in the site that a text links to. */
const linksOf = (text = ''): string[] =>
  [...text.matchAll(/\]\(([^()\s#]+)(?:#[^()\s]*)?\)/g)].flatMap(([, link = '']) => (/^[a-z]+:/i.test(link) ? [] : [link]));

describe.for([
  ['', 'en'],
  ['zh/', 'zh'],
] as const)('what language models read below /%s', ([folder]) => {
  test('lists every page in the reading order, each with its first sentence', () => {
    const lines = [...(files[`${folder}llms.txt`] ?? '').matchAll(/^- \[.+\]\(\/(\S+)\.md\): (.+)$/gm)];
    expect(lines.map(([, page]) => page)).toEqual(pages.map((page) => `${folder}${page}`));
    expect(lines.flatMap(([, page, sentence = '']) => (/[.。]$/.test(sentence) ? [] : [`${page}: ${sentence}`]))).toEqual([]);
  });

  test('holds every page as a whole, and links to files of the site alone', () => {
    const whole = files[`${folder}llms-full.txt`] ?? '';
    for (const page of pages) expect(whole).toContain(files[`${folder}${page}.md`]);
    const elsewhere = linksOf(whole).filter((link) => !(link.slice(1) in files) && !/^\/(?:source|pictures)\/[\w/.-]+$/.test(link));
    expect(linksOf(whole).length).toBeGreaterThan(100);
    expect(elsewhere).toEqual([]);
  });
});
