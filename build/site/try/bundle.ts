import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const pages = fileURLToPath(new URL('../../../src/web/try', import.meta.url));

/** The exports of Node that `node.ts` has, and their names there. */
const present: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'node:assert/strict': { default: 'assert' },
  'node:crypto': { hash: 'hash' },
  'node:perf_hooks': { performance: 'performance' },
  'node:timers/promises': { setImmediate: 'nextTurn', setTimeout: 'delay' },
};

/** Puts the parts of `node.ts` in the place of the modules of Node. */
const withoutNode: Plugin = {
  name: 'without-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'node' }));
    onLoad({ filter: /^/, namespace: 'node' }, async ({ path }) => {
      const exported = Object.keys((await import(path)) as object).map((name) => {
        const part = present[path]?.[name];
        const value = part === undefined ? `/* @__PURE__ */ unreachable('${path}.${name}')` : `node.${part}`;
        return name === 'default' ? `export default ${value};` : `export const ${name} = ${value};`;
      });
      const contents = `import * as node from './node.ts';\nconst { unreachable } = node;\n${exported.join('\n')}`;
      return { contents, resolveDir: here };
    });
  },
};

/** A shadow tree has no root element and no body: its host takes their styles. The site decides the theme. */
const forShadowTree: Plugin = {
  name: 'for-shadow-tree',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/base\.css$/ }, async ({ path }) => {
      const { readFile } = await import('node:fs/promises');
      const styles = await readFile(path, 'utf8');
      const moved = styles.replaceAll(/:root\[[^\]]*\]/g, ':host([hidden])').replaceAll(/^:root|^body/gm, ':host');
      return {
        loader: 'css',
        contents: moved
          .replace('color-scheme: light dark;', 'color-scheme: inherit;')
          .replace('min-height: 100dvh;', '')
          .replace('background: var(--ground);', ''),
      };
    }),
};

/**
 * Bundles "Try a policy" for the browser into a folder of the site: `run.js`, which is the real roles and machines, and `view.js` with its
 * styles, which is the timeline of the pages.
 */
export async function bundlePolicyPage(site: string): Promise<void> {
  const common = {
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: join(site, 'try-policy'),
  } as const;
  await Promise.all([
    build({
      ...common,
      entryPoints: [join(here, 'run.ts')],
      inject: [join(here, 'globals.ts')],
      plugins: [withoutNode],
      logLevel: 'warning',
    }),
    build({
      ...common,
      entryPoints: { view: join(pages, 'mount.tsx') },
      jsx: 'automatic',
      jsxImportSource: 'preact',
      plugins: [forShadowTree],
      logLevel: 'warning',
    }),
  ]);
}
