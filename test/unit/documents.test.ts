import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { conditions, statusCodes } from '#machines/facts.ts';
import { listSettings } from '#src/main/config/configuration.ts';
import { documentedLines } from '#test/support/documented-commands.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const documents = [
  ...readdirSync(root).filter(isMarkdown),
  ...['docs', 'src'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  ),
].filter(isMarkdown);

function isMarkdown(path: string): boolean {
  return path.endsWith('.md');
}

function textOf(document: string): string {
  return readFileSync(join(root, document), 'utf8');
}

/** The document without its fenced examples, in which links and headings are no markup. */
function proseOf(document: string): string {
  return textOf(document).replace(/^```[\s\S]*?^```$/gm, '');
}

function linksOf(document: string): string[] {
  const targets = [...proseOf(document).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target ?? '');
  return targets.filter((target) => !/^[a-z]+:/i.test(target));
}

/** The anchors that GitHub derives from the headings. */
function anchorsOf(document: string): string[] {
  const headings = [...proseOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Describes the defect of a link; `undefined` when the link is sound. */
function defectOf(document: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? document : join(dirname(document), path);
  if (statSync(join(root, target), { throwIfNoEntry: false }) === undefined) return `${document}: ${link} does not exist`;
  if (anchor === undefined || anchorsOf(target).includes(anchor)) return undefined;
  return `${document}: ${link} names no heading`;
}

describe('the documents', () => {
  test('link only to files, images and headings that exist', () => {
    const links = documents.flatMap((document) => linksOf(document).map((link) => ({ document, link })));

    expect(links.length).toBeGreaterThan(50);
    expect(links.flatMap(({ document, link }) => defectOf(document, link) ?? [])).toEqual([]);
  });

  test('keep each README within 150 lines', () => {
    for (const readme of ['README.md', 'README.zh-CN.md']) expect(textOf(readme).split('\n').length, readme).toBeLessThanOrEqual(151);
  });

  test('name the same commands in both READMEs', () => {
    const sections = [
      ['Two commands', '两条命令'],
      ['Write a function', '编写函数'],
      ['Add a destination', '异步配置与目标服务'],
    ] as const;
    for (const [english, chinese] of sections) {
      const commands = documentedLines('README.md', english);
      expect(commands.length).toBeGreaterThan(1);
      expect(documentedLines('README.zh-CN.md', chinese)).toEqual(commands);
    }
  });

  test('describe every setting of a process, by its flag and its variable, and no other', () => {
    const rows = [...textOf('docs/configuration.md').matchAll(/^\| `(--[\w-]+)` +\| `(\w+)` +\|/gm)];

    expect(rows.map(([, flag, env]) => `${flag} ${env}`).sort()).toEqual(
      listSettings()
        .map(({ flag, env }) => `${flag} ${env}`)
        .sort(),
    );
  });

  test('name every condition with its status code, and no other', () => {
    const rows = [...textOf('docs/conditions.md').matchAll(/^\| `([A-Z]\w+)` +\| (\d+) +\|/gm)];

    expect(Object.fromEntries(rows.map(([, condition, code]) => [condition, Number(code)]))).toEqual(statusCodes);
    expect(rows).toHaveLength(Object.keys(conditions).length);
  });
});
