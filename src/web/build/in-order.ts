import type { Plugin } from 'vite';

/**
 * Loads the modules one at a time, each after those that name it before it, starting with the entry.
 *
 * Rollup reads files and awaits transformations in parallel, so that the order of its modules is that in which a busy machine answers.
 * Its output may depend on this order (rollup/rollup#5902). This order depends on the sources alone.
 */
export function inOrder(entry: string): Plugin {
  return {
    name: 'sequent-in-order',
    async buildStart() {
      const found = new Map([[entry, await this.resolve(entry)]]);
      for (const resolved of found.values()) {
        if (resolved === null || resolved.external) continue;
        const { importedIdResolutions, dynamicallyImportedIdResolutions } = await this.load({ ...resolved, resolveDependencies: true });
        for (const next of [...importedIdResolutions, ...dynamicallyImportedIdResolutions]) found.set(next.id, found.get(next.id) ?? next);
      }
    },
  };
}
