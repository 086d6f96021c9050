import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { deliveryMachine } from '#machines/delivery.ts';
import { conditions } from '#machines/facts.ts';
import { invocationMachine } from '#machines/invocation.ts';
import { zhCn as ofAnalysis } from '#src/analysis/texts/zh-cn.ts';
import { zhCn as ofPages } from '#src/web/texts/zh-cn.ts';

type Catalogue = Readonly<Record<string, string>>;

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => /\.tsx?$/.test(file));
/** Every catalogue of a folder: the objects that its files export. */
async function cataloguesIn(folder: string): Promise<Catalogue[]> {
  const modules = await Promise.all(files(folder).map((file) => import(pathToFileURL(file).href) as Promise<Record<string, Catalogue>>));
  return modules.flatMap((module) => Object.values(module));
}
const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([found]) => found).sort();

// The compiler reports a text without a translation.
describe.each([
  { name: 'the pages', folder: 'src/web/texts/zh-cn', usedIn: ['src/web', 'src/gateway/api', 'machines'] },
  { name: 'the explanations', folder: 'src/analysis/texts', usedIn: ['src/analysis', 'machines'] },
  { name: 'the command line', folder: 'src/cli/texts/zh-cn', usedIn: ['src/cli', 'src/analysis', 'src/core', 'src/gateway', 'machines'] },
])('the Chinese texts of $name', ({ folder, usedIn }) => {
  test('are all used, and stand in one place each', async () => {
    const keys = (await cataloguesIn(folder)).flatMap((catalogue) => Object.keys(catalogue));
    expect(keys.length).toBeGreaterThan(50);
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    const sources = usedIn.flatMap(files).filter((file) => !/\/texts\/|\/dist/.test(file));
    const source = sources.map((file) => readFileSync(file, 'utf8')).join('\n');
    // A word such as `queued` may be the name of a field.
    const isUsed = (key: string) => [`'${key}'`, `"${key}"`, `\n  ${key}: `].some((literal) => source.includes(literal));
    expect(keys.filter((key) => !isUsed(key))).toEqual([]);
  });

  test('have the values of the English text, and the punctuation of Chinese', async () => {
    for (const [english, chinese] of (await cataloguesIn(folder)).flatMap((catalogue) => Object.entries(catalogue))) {
      expect(placeholders(chinese), english).toEqual(placeholders(english));
      expect(chinese, english).not.toMatch(/[\u4e00-\u9fff][,;:!?]|[,;!?](?=[\u4e00-\u9fff])/);
    }
  });
});

/** Where the text of a page stands: attributes that are shown or read out, and what is between two tags. */
const shown = [
  /\s(?:title|aria-label|placeholder|label|hint|alt)="([^"]*[A-Za-z]{2}[^"]*)"/g,
  /<(?!code|kbd|b class="mono"|RichText)[a-zA-Z][^<>]*(?<!=)>([^<>{}=;]*[A-Za-z]{2}[^<>{}=;]*)<\//g,
  /^\s+((?!return |case )[A-Za-z][a-z]+(?: [\w'’,.:;%-]+)+[.:,…]?)$/gm,
];
/** Names, which are the same in every language. */
const names = ['Sequent', 'latest', 'traceparent'];

test('no text of a page stands outside of the catalogue', () => {
  const found = files('src/web')
    .filter((file) => file.endsWith('.tsx'))
    .flatMap((file) => {
      const source = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
      const texts = shown.flatMap((pattern) => [...source.matchAll(pattern)].map(([, text = '']) => text.trim()));
      return texts.filter((text) => !names.includes(text)).map((text) => `${file}: ${text}`);
    });
  expect(found).toEqual([]);
});

test('the pages and the explanations know the description of every state and condition', () => {
  const states = [invocationMachine, deliveryMachine].flatMap((machine) => Object.values<{ description?: string }>(machine.states));
  const described = states.flatMap(({ description }) => (description === undefined ? [] : [description]));
  expect(described.length).toBeGreaterThan(5);
  expect(described.filter((text) => !Object.hasOwn(ofPages, text))).toEqual([]);
  expect(Object.keys(ofAnalysis)).toEqual(expect.arrayContaining(Object.values(conditions)));
});
