import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build, type Plugin } from 'vite';
import { expect } from 'vitest';
import { inOrder } from '#src/web/build/in-order.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';

const sources = {
  'index.html': '<script type="module" src="./main.js"></script>',
  'main.js': "import { a } from './a.js';\nimport { b } from './b.js';\nimport('./late.js').then(console.log, a, b);",
  'a.js': "import { c } from './c.js';\nexport const a = [c];",
  'b.js': "import { d } from './d.js';\nexport const b = [d];",
  'c.js': "export const c = 'c';",
  'd.js': "export const d = 'd';",
  'late.js': "import { d } from './d.js';\nexport default d;",
};
const names = Object.keys(sources);

/** The order in which the modules of the sources are complete when these files are slow to read. */
async function orderOf(root: string, slow: readonly string[], plugins: Plugin[]): Promise<string[]> {
  const order: string[] = [];
  const nameOf = (id: string): string | undefined => names.find((name) => id.startsWith(join(root, name)));
  const disk: Plugin = {
    name: 'slow-disk',
    enforce: 'pre',
    async load(id) {
      if (slow.includes(nameOf(id) ?? '')) await delay(50);
      return null;
    },
    moduleParsed: ({ id }) => void order.push(nameOf(id) ?? ''),
  };
  const options = { configFile: false, logLevel: 'error', publicDir: false } as const;
  await build({ ...options, root, plugins: [...plugins, disk], build: { write: false, modulePreload: { polyfill: false } } });
  return order.filter((name) => name !== '');
}

test('modules of the pages are loaded in one order, whichever file the disk gives first', async ({ folder }) => {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(sources)) writeFileSync(join(folder, name), content);
  const ordered = (): Plugin[] => [inOrder(join(folder, 'index.html'))];
  const slowOnes = [['a.js'], ['b.js', 'late.js'], ['main.js', 'c.js']];
  const ordersWith = async (plugins: () => Plugin[]): Promise<Set<string>> =>
    new Set(await Promise.all(slowOnes.map(async (slow) => String(await orderOf(folder, slow, plugins())))));
  expect(await ordersWith(ordered)).toEqual(new Set(['main.js,index.html,a.js,b.js,late.js,c.js,d.js']));
  // Without the plugin the order is that of the disk.
  expect((await ordersWith(() => [])).size).toBeGreaterThan(1);
});
