import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/*
 * Each document of docs/ has a Chinese twin of the same structure in docs/zh/. When an English document changes, its test names what to
 * change in the twin. test/unit/repository/documents.test.ts checks the links of the twins.
 */

/** A fenced example, in which links and headings are no markup. */
const FENCE = /^ *```.*\n[\s\S]*?^ *```$/gm;
const root = fileURLToPath(new URL('../../..', import.meta.url));
const english = documentsIn('docs').filter((path) => !path.startsWith('zh/'));

/** The markdown files below a folder, without the folders of tools, such as `.vitepress`. */
function documentsIn(folder: string): string[] {
  const paths = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return paths.filter((path) => path.endsWith('.md') && !path.startsWith('.')).toSorted();
}

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

type Structure = { headings: string[]; tables: string[]; lists: string[]; paragraphs: string[]; links: string[]; code: string[] };

/** What two documents in two languages share: the form of each block, the code without its comments, and where the links lead. */
function structureOf(path: string, text: string): Structure {
  const fences = [...text.matchAll(FENCE)].map(([fence]) => fence);
  const lines = text.replace(FENCE, '').split('\n');
  const prose = lines.filter((line) => !/^<(?:!--|a id=)/.test(line));
  const isRow = (line: string) => /^\s*\|/.test(line);
  const isItem = (line: string) => /^\s*(?:[-*]|\d+\.) /.test(line);
  const isHeading = (line: string) => /^#+ /.test(line);
  const begins = prose.filter((line, index) => line.trim() !== '' && (prose[index - 1] ?? '').trim() === '');
  return {
    headings: prose.filter(isHeading).map((line) => line.replace(/ .*$/, '')),
    tables: prose.filter(isRow).map((line) => `row of ${line.split(/(?<!\\)\|/).length - 2} cells`),
    lists: prose.filter(isItem).map((line) => line.replace(/(?<=^\s*\S+ ).*$/, '')),
    paragraphs: begins.filter((line) => !isRow(line) && !isItem(line) && !isHeading(line)).map(() => 'paragraph'),
    links: [...prose.join('\n').matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => destinationOf(path, target)).toSorted(),
    code: fences.map(withoutProse),
  };
}

/** The English document that a link leads to, and whether it leads to a section. A section may have an anchor in each language. */
function destinationOf(path: string, target: string): string {
  if (/^[a-z]+:/i.test(target)) return target;
  const [file = '', anchor] = target.split('#');
  const named = relative(root, file === '' ? join(root, path) : join(root, dirname(path), file));
  const twin = named.replace(/^docs\/zh\//, 'docs/').replace('README.zh-CN.md', 'README.md');
  return anchor === undefined ? twin : `${twin}#`;
}

/** The fence without what may be translated: comments, and the labels of drawings. */
function withoutProse(fence: string): string {
  const [start = '', ...lines] = fence.split('\n');
  if (start.trim() === '```mermaid') return start;
  const code = lines.join('\n').replaceAll(/(?:^[ \t]*)?\/\*\*[\s\S]*?\*\/\n?/gm, '');
  return [start, ...code.split('\n').map((line) => line.replace(/(?:^|\s+)(?:#|\/\/) .*$/, ''))].join('\n');
}

/** The parts in which the twin differs, each with the first difference. */
function differencesOf(document: string, texts: { english: string; chinese: string }): string[] {
  const wanted = structureOf(`docs/${document}`, texts.english);
  const present = structureOf(`docs/zh/${document}`, texts.chinese);
  const differences = (Object.keys(wanted) as (keyof Structure)[]).flatMap((part) => {
    const [all, found] = [wanted[part], present[part]];
    const at = Array.from({ length: Math.max(all.length, found.length) }).findIndex((_, index) => all[index] !== found[index]);
    const counts = `(${found.length} of ${all.length})`;
    return at === -1 ? [] : [`${part} ${at + 1}: ${found[at] ?? 'is missing'} instead of ${all[at] ?? 'nothing'} ${counts}`];
  });
  const lost = [figuresOf, namesOf].flatMap((read) => missing(read(texts.english), read(texts.chinese)));
  return [...differences, ...lost.map((one) => `the text has no ${one}`)].map((difference) => `docs/zh/${document}: ${difference}`);
}

/** The numbers of the prose. Some English words are numbers in Chinese. */
function figuresOf(text: string): string[] {
  const prose = text
    .replace(FENCE, '')
    .replace(/\]\([^)]*\)|^ *\d+\. /gm, '')
    .replace(/(\d+) million/g, '$1,000,000');
  return prose.match(/\d+(?:[.,]\d+)*/g) ?? [];
}

/** What stands as code in the prose. English sentences continue on the next line, Chinese ones do not. */
function namesOf(text: string): string[] {
  const blocks = text.replace(FENCE, '').split(/\n\s*\n|\n(?=\s*(?:[-*|]|\d+\. ))/);
  return blocks.flatMap((block) => block.replace(/\s+/g, ' ').match(/`[^`]+`/g) ?? []);
}

/** What the second list lacks of the first one. */
function missing(all: readonly string[], found: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const one of found) counts.set(one, (counts.get(one) ?? 0) + 1);
  return all.filter((one) => {
    const count = counts.get(one) ?? 0;
    counts.set(one, count - 1);
    return count <= 0;
  });
}

/** The lines in which six English words follow each other outside of code: sentences that nobody translated. */
function englishIn(text: string): string[] {
  const prose = text.replace(FENCE, '').replace(/`[^`\n]+`|\]\([^)]*\)|<!--.*?-->|“[^”]*”/g, '`');
  return prose.split('\n').filter((line) => /(?:\b[A-Za-z]+\b[ ,]+){6}/.test(line));
}

describe('the Chinese documents', () => {
  test('are the twins of all English ones, and no others', () => {
    expect(english.length).toBeGreaterThan(30);
    expect(documentsIn('docs/zh')).toEqual(english);
  });

  test('lead to Chinese documents, wherever there is one', () => {
    const chinese = ['README.zh-CN.md', ...documentsIn('docs/zh').map((document) => `docs/zh/${document}`)];
    const toEnglish = chinese.flatMap((path) => {
      const targets = [...textOf(path).matchAll(/\]\(([^()\s#]+\.md)/g)].map(([, target = '']) =>
        relative(root, join(root, dirname(path), target)),
      );
      return targets.filter((target) => english.some((document) => target === `docs/${document}`)).map((target) => `${path}: ${target}`);
    });
    expect(toEnglish).toEqual([]);
  });

  test.for(english)('have the structure, the code and the links of docs/%s', (document) => {
    const twin = `docs/zh/${document}`;
    expect(existsSync(join(root, twin)), `${twin} is missing`).toBe(true);
    expect(differencesOf(document, { english: textOf(`docs/${document}`), chinese: textOf(twin) })).toEqual([]);
    expect(englishIn(textOf(twin))).toEqual([]);
  });

  test('that lack a heading, a row, an item, a link, a command, a figure or a name are found', () => {
    const texts = { english: textOf('docs/flow.md'), chinese: textOf('docs/zh/flow.md') };
    const faults = [/^## .*$/m, /^\| `rate`.*\n/m, /^- \*\*.*\n/m, /\]\(#a-rate\)/, /--flow-rate 1\/1h/, /528,384/, /`--max-age`/].map(
      (part) => {
        expect(texts.chinese).toMatch(part);
        return differencesOf('flow.md', { ...texts, chinese: texts.chinese.replace(part, '') }).join();
      },
    );
    expect(faults).toEqual(
      ['headings', 'tables', 'lists', 'links', 'code', 'the text has no 528,384', 'the text has no `--max-age`'].map((part) =>
        expect.stringContaining(`docs/zh/flow.md: ${part}`),
      ),
    );
    expect(englishIn('A sentence that nobody has translated stays in it.')).toHaveLength(1);
  });
});
