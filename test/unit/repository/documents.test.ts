import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { conditions, statusCodes } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import { encodeEnvelope } from '#src/core/log/envelope.ts';
import { listSettings } from '#src/main/config/configuration.ts';
import { documentedLines } from '#test/support/documented-commands.ts';
import { failed, queued } from '#test/support/log/facts.ts';
import { fold } from '#test/support/log/given.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const documents = [
  ...readdirSync(root).filter(isMarkdown),
  ...['docs', 'src', 'machines'].flatMap((folder) =>
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

/** The anchors that GitHub derives from the headings, and those that the document names itself. */
function anchorsOf(document: string): string[] {
  const headings = [...proseOf(document).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading ?? '');
  const derived = headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return [...derived, ...[...proseOf(document).matchAll(/^<a id="([\w-]+)"><\/a>$/gm)].map(([, id = '']) => id)];
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

  test('and the pages print the command without npx, as an installed package has it', () => {
    const pages = ['src', 'docs', 'deploy'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
    );
    const texts = pages.filter((path) => /\.(?:md|mdx|tsx?|mjs|json|html|ya?ml|service)$/.test(path));
    const withNpx = texts.filter((path) => /npx sequent/.test(textOf(path)));

    expect(texts.length).toBeGreaterThan(500);
    // The documents say once how a clone runs the command, and `typedCommand` decides between the two forms.
    expect(withNpx.toSorted()).toEqual(['docs/cli.md', 'docs/zh/cli.md', 'src/cli/host.ts']);
    expect(texts.filter((path) => /['"]sequent\/(?:client|testing)['"]/.test(textOf(path)))).toEqual([]);
  });

  test('name, for those who contribute, only files and folders that exist', () => {
    const named = [...textOf('CONTRIBUTING.md').matchAll(/`((?:src|machines|test|build|bench|docs)\/[\w./-]+)`/g)].map(
      ([, path = '']) => path,
    );

    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('name, for those who write tests, only files and folders of test/support', () => {
    const named = [...textOf('test/support/README.md').matchAll(/`((?:[\w-]+\/)*[\w-]+(?:\.\w+|\/))`/g)].map(([, path = '']) => path);

    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(join(root, 'test/support', path)) && !existsSync(join(root, path)))).toEqual([]);
  });

  test('keep the decisions of each room within 3,000 words, and link to them from the rules', () => {
    const decisions = documents.filter((document) => /\/DESIGN\.md$/.test(document) && document !== 'src/DESIGN.md');
    const rules = textOf('src/DESIGN.md').split('## Rules')[0] ?? '';

    expect(decisions.length).toBeGreaterThan(15);
    expect(decisions.filter((document) => textOf(document).split(/\s+/).length > 3000)).toEqual([]);
    expect(decisions.filter((document) => !rules.includes(`(${relative('src', document)})`))).toEqual([]);
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

  test('show the keys of the envelope of an event that became too old, as it is encoded', () => {
    const request = queued();
    const discarded = fold(invocationFolder, [request, failed(0, { condition: 'EventAgeExceeded' })]);
    const tenancy = { region: 'local', project: 'default' };
    const envelope = JSON.parse(encodeEnvelope(tenancy, { fact: request, payload: '{}' }, discarded));
    const [, example = ''] = /^## Envelope$[\s\S]*?^```json$([\s\S]*?)^```$/m.exec(textOf('docs/conditions.md')) ?? [];
    expect(keysOf(JSON.parse(example))).toEqual(keysOf(envelope));
    const claims = [
      ['README.md', /^.*also by age.*$/gm],
      ['README.zh-CN.md', /^.*`response_payload`.*过期.*$/gm],
      ['docs/conditions.md', /^ *`\{"errorMessage".*also when no attempt started.*$/gm],
    ] as const;
    for (const [document, pattern] of claims) {
      const lines = textOf(document).match(pattern) ?? [];
      expect(lines, document).toHaveLength(1);
      const [, error = ''] = /`(\{"[^`]*\})`/.exec(lines[0] ?? '') ?? [];
      const keys = [...error.matchAll(/"(\w+)"/g)].map(([, key]) => key);
      expect(keys, document).toEqual(Object.keys(JSON.parse(envelope.response_payload)));
    }
  });
});

/** The keys of an object and of the objects in it, in their order. */
function keysOf(value: object): unknown[] {
  return Object.entries(value).map(([key, inner]) => (typeof inner === 'object' ? [key, keysOf(inner)] : key));
}
