import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deliveryMachine } from '#machines/delivery.ts';
import { conditions } from '#machines/facts.ts';
import { invocationMachine } from '#machines/invocation.ts';
import ofAnalysis from '#src/analysis/texts/zh-cn.json' with { type: 'json' };
import help from '#src/cli/texts/help-zh-cn.json' with { type: 'json' };
import ofCommandLine from '#src/cli/texts/zh-cn.json' with { type: 'json' };
import ofPages from '#src/web/texts/zh-cn.json' with { type: 'json' };
import ofReference from '../../../build/reference/zh-cn.json' with { type: 'json' };

type Catalogue = Readonly<Record<string, string>>;

/**
 * The catalogues of each surface. A library prints the texts of the help; `cli/help-texts.test.ts` compares the texts of the commands, and
 * `build/client-reference.test.ts` those of the reference.
 */
const surfaces: readonly { name: string; file: string; catalogues: readonly Catalogue[]; usedIn: readonly string[] }[] = [
  { name: 'the pages', file: 'src/web/texts/zh-cn.json', catalogues: [ofPages], usedIn: ['src/web', 'src/gateway/api', 'machines'] },
  { name: 'the explanations', file: 'src/analysis/texts/zh-cn.json', catalogues: [ofAnalysis], usedIn: ['src/analysis', 'machines'] },
  {
    name: 'the command line',
    file: 'src/cli/texts/zh-cn.json',
    catalogues: Object.values(ofCommandLine),
    usedIn: ['src/cli', 'src/analysis', 'src/core', 'src/gateway', 'machines'],
  },
  { name: 'the help', file: 'src/cli/texts/help-zh-cn.json', catalogues: [help.others], usedIn: [] },
  { name: 'the reference', file: 'build/reference/zh-cn.json', catalogues: [ofReference], usedIn: [] },
];

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => /\.tsx?$/.test(file));
const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([found]) => found).sort();

// The compiler reports a text without a translation.
describe.each(surfaces)('the Chinese texts of $name', ({ file, catalogues, usedIn }) => {
  test.runIf(usedIn.length > 0)('are all used, and stand in one place each', () => {
    const keys = catalogues.flatMap((catalogue) => Object.keys(catalogue));
    expect(keys.length).toBeGreaterThan(10);
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
    const sources = usedIn.flatMap(files).filter((file) => !/\/texts\/|\/dist/.test(file));
    const source = sources.map((file) => readFileSync(file, 'utf8')).join('\n');
    // A word such as `queued` may be the name of a field.
    const isUsed = (key: string) => [`'${key}'`, `"${key}"`, `\n  ${key}: `].some((literal) => source.includes(literal));
    expect(keys.filter((key) => !isUsed(key))).toEqual([]);
  });

  test('are sorted by their English text, each once', () => {
    // A second entry of a key would replace the first one in silence.
    const parsed = JSON.parse(readFileSync(file, 'utf8')) as Catalogue | Record<string, Catalogue>;
    const isFlat = Object.values(parsed).every((value) => typeof value === 'string');
    const sections = isFlat ? [parsed] : Object.values(parsed as Record<string, Catalogue>);
    const inOrder = sections.flatMap((section) => Object.keys(section).sort());
    const written = [...readFileSync(file, 'utf8').matchAll(/^ +("(?:[^"\\]|\\.)*"): "/gm)].map(
      ([, key = '']) => JSON.parse(key) as string,
    );
    expect(written).toEqual(inOrder);
  });

  test('have the values of the English text, and the punctuation of Chinese', () => {
    for (const [english, chinese] of catalogues.flatMap((catalogue) => Object.entries(catalogue))) {
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
