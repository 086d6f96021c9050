import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Plugin } from 'esbuild';
import { numberOfBuild } from '#src/client/source-hash.ts';

/** Of package.json, a module holds the number of the build. */
export const packageVersion: Plugin = {
  name: 'sequent-package-version',
  setup({ onLoad }) {
    onLoad({ filter: /package\.json$/ }, ({ path }) => {
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
      return { contents: JSON.stringify({ version: numberOfBuild(version, dirname(path)) }), loader: 'json' };
    });
  },
};
