import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type ApiItem, entries, numberOfApi, parseComment, readApi } from '../../../build/reference/api.ts';
import { clientReferences } from '../../../build/reference/client-reference.ts';
import { furtherIn } from '../../../build/reference/page.ts';
import { commentsIn, createTranslation } from '../../../build/reference/translation.ts';

const run = promisify(execFile);
const checkout = new URL('../../..', import.meta.url).pathname;
const api = readApi();
const exported = entries.flatMap((entry) => api[entry].exported);
const changelog = await readFile(join(checkout, 'CHANGELOG.md'), 'utf8');
/** The names that an application meets first. Each has an example. */
const entryPoints = [
  'connectClient',
  'startWorker',
  'defineFunction',
  'createTestSequent',
  'HandlerContext',
  'Transitions',
  'Repair',
  'ClientHistory',
];

/** What the comment of an exported name, or of one of its members, lacks. */
function missingIn(item: ApiItem, owner?: ApiItem): string[] {
  const { name, comment, kind, parameters, signature } = item;
  const where = owner === undefined ? name : `${owner.name}.${name}`;
  const lacks: string[] = [];
  if (comment.text === '') lacks.push('a summary');
  const said = [comment.text, ...comment.throws, owner?.comment.text ?? ''].join('\n');
  const isAsynchronous = /^(?:function )?\w+(?:<[^()]*>)?\(.*\bPromise</s.test(signature);
  if (isAsynchronous && !/throws|rejects/i.test(said) && comment.throws.length === 0) lacks.push('its errors');
  for (const parameter of parameters) if (!isDescribed(parameter, item)) lacks.push(`the parameter ${parameter.name}`);
  if (kind === 'function' && comment.returns === '') lacks.push('what it returns');
  if (entryPoints.includes(name) && comment.examples.length === 0) lacks.push('an example');
  return [...lacks.map((lack) => `${where} lacks ${lack}`), ...item.members.flatMap((member) => missingIn(member, item))];
}

/** By a tag, by its name in the text, or by a type of the reference whose fields have comments. */
function isDescribed({ name, type }: ApiItem['parameters'][number], { kind, comment }: ApiItem): boolean {
  if (comment.params.has(name)) return true;
  if (kind === 'function') return false;
  return (
    new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\`|\\b${name}\\b`).test(comment.text) ||
    /Options|Query|Filter|Owner|Freshness|timeoutInMs/.test(type)
  );
}

/** Whether a number of time or of size says its unit, by its name or in its comment. */
function hasUnit({ name, signature, comment }: ApiItem): boolean {
  if (
    /^\w+\(/.test(signature) ||
    !/\bnumber\b/.test(signature) ||
    !/(?:at|since|time|timeout|wait|lease|delay|age|memory|bytes|size|grace|until)$/i.test(name)
  )
    return true;
  return /InMs$|InSeconds$|Bytes$|InMb$/.test(name) || /millisecond|second|minute|byte|megabyte|millicore/i.test(comment.text);
}

describe('the reference of the client library', () => {
  test('is what the doc comments say today, in English and in Chinese', () => {
    const { documents } = clientReferences(api);
    expect(documents).toHaveLength(2);
    for (const { document, present, wanted } of documents) expect(present, `${document}: npm run client-reference`).toBe(wanted);
  });

  test('has a Chinese text for every English one, and no others', () => {
    const { missing, unused } = clientReferences(api);
    expect({ missing, unused }).toEqual({ missing: [], unused: [] });
  });

  test('names a text that is not translated, and a translation that no text needs', () => {
    const chinese = createTranslation({ 'Ends the loop.': '结束循环。', 'Was removed.': '已移除。' });
    expect(chinese.say('Ends the\nloop.\n\n1. Ends the loop.\n2. Is new.')).toBe('结束循环。\n\n1. 结束循环。\n2. Is new.');
    expect([...chinese.missing]).toEqual(['Is new.']);
    expect(chinese.unused()).toEqual(['Was removed.']);
  });

  test('keeps signatures and examples in the Chinese code, and translates its comments', () => {
    const code =
      '{\n  /** Ends the\n   * loop. */\n  end(): void;\n  /**\n   * Ends the loop.\n   * @example\n   * end();\n   */\n  last: string;\n}';
    const comments =
      '{\n  /** 结束循环。 */\n  end(): void;\n  /**\n   * 结束循环。\n   * @example\n   * end();\n   */\n  last: string;\n}';
    expect(commentsIn(code, createTranslation({ 'Ends the loop.': '结束循环。' }))).toBe(comments);
  });

  test('describes every exported name with its members: summary, parameters, errors, examples', () => {
    expect(exported.length).toBeGreaterThan(40);
    expect(exported.flatMap((item) => missingIn(item))).toEqual([]);
  });

  test('states the unit of every number of time or size', () => {
    const members = exported.flatMap((item) => item.members.map((member) => ({ owner: item.name, member })));
    expect(members.length).toBeGreaterThan(150);
    expect(members.filter(({ member }) => !hasUnit(member)).map(({ owner, member }) => `${owner}.${member.name}`)).toEqual([]);
  });

  test('finds a name whose comment lacks its parts', () => {
    const [connect] = exported.filter(({ name }) => name === 'connectClient');
    if (connect === undefined) throw new Error('connectClient is not exported');
    expect(missingIn({ ...connect, comment: parseComment('') })).toEqual([
      'connectClient lacks a summary',
      'connectClient lacks its errors',
      'connectClient lacks the parameter options',
      'connectClient lacks what it returns',
      'connectClient lacks an example',
    ]);
    const age: ApiItem = {
      ...connect,
      kind: 'member',
      name: 'timeout',
      signature: 'timeout?: number',
      comment: parseComment('/** How long. */'),
    };
    expect(hasUnit(age)).toBe(false);
  });

  test('has only examples that compile against the library', { timeout: 180_000 }, async () => {
    const examples = exported.flatMap((item) =>
      [item, ...item.members].flatMap(({ name, comment }) => comment.examples.map((code) => ({ name, code }))),
    );
    expect(examples.length).toBeGreaterThanOrEqual(entryPoints.length);
    const planted = { name: 'planted', code: "import { connectClient } from 'sequent-functions/client';\nconnectClient(7);" };
    const errors = await errorsOf([...examples, planted]);
    expect(errors).toContain('-planted.ts');
    expect(errors.split('\n').filter((line) => /error TS/.test(line) && !line.includes('-planted.ts'))).toEqual([]);
  });
});

describe('the public API of the client library', () => {
  const all = [...exported, ...furtherIn(api)];

  test('has a line in the changelog for its present number', () => {
    const number = numberOfApi(all);
    expect(latestNumbers(changelog), `a line that ends with (API ${number})`).toContain(number);
  });

  test('has another number after a change of a signature, and the same after a change of a comment', () => {
    const [first, ...others] = all;
    if (first === undefined) throw new Error('nothing is exported');
    expect(numberOfApi([{ ...first, signature: `${first.signature} | undefined` }, ...others])).not.toBe(numberOfApi(all));
    expect(numberOfApi([{ ...first, comment: parseComment('/** new */') }, ...others])).toBe(numberOfApi(all));
  });
});

/** The numbers that the newest section of the changelog with such a line names. */
function latestNumbers(text: string): string[] {
  const sections = text.split(/^## /m).map((section) => [...section.matchAll(/\(API ([0-9a-f]{8})\)$/gm)].map(([, number = '']) => number));
  return sections.find((numbers) => numbers.length > 0) ?? [];
}

/** What tsc says about the examples, each a module of an application. */
async function errorsOf(examples: readonly { name: string; code: string }[]): Promise<string> {
  const folder = join(checkout, 'node_modules/.cache/client-examples');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const files = examples.map(({ name }, index) => `${index}-${name}.ts`);
  for (const [index, { code }] of examples.entries()) await writeFile(join(folder, files[index] ?? ''), code);
  const paths = Object.fromEntries(entries.map((entry) => [`sequent-functions/${entry}`, [join(checkout, `src/${entry}/${entry}.ts`)]]));
  const compilerOptions = { paths, noEmit: true, noUnusedLocals: false };
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.json', compilerOptions, files, include: [] }),
  );
  const tsc = join(checkout, 'node_modules/typescript/bin/tsc');
  return await run(process.execPath, [tsc, '-p', folder]).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
}
