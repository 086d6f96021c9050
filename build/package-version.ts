import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';

/** Of package.json, a module holds the version. */
export const packageVersion: Plugin = {
  name: 'sequent-package-version',
  setup({ onLoad }) {
    onLoad({ filter: /package\.json$/ }, ({ path }) => {
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};
