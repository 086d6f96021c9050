import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Metafile } from 'esbuild';

/** The imports and exports of the modules of `dist`, each under the path of its source. */
export class ModuleGraph {
  readonly #root: string;
  readonly #built: Metafile;

  /** `built` describes a build that bundles no module with another one. */
  constructor(root: string, built: Metafile) {
    this.#root = root;
    this.#built = built;
  }

  /** The modules that this one imports by a statement, or by a call. */
  importsOf(module: string, kind: 'import-statement' | 'dynamic-import'): string[] {
    return this.#targetsOf(module, kind).filter((target) => target in this.#built.inputs);
  }

  /** These modules, and all that they import by statements. */
  closureOf(starts: readonly string[]): Set<string> {
    const closure = new Set(starts);
    // A set that grows while it is iterated visits the new elements too.
    for (const module of closure) for (const target of this.importsOf(module, 'import-statement')) closure.add(target);
    return closure;
  }

  /** This module, and all that it may load by statements and calls without the module `except`. */
  reachableFrom(start: string, except: string): Set<string> {
    const reached = new Set([start]);
    for (const module of reached)
      for (const kind of ['import-statement', 'dynamic-import'] as const)
        for (const target of this.importsOf(module, kind)) if (target !== except) reached.add(target);
    return reached;
  }

  /** The packages that these modules import, without those of Node. */
  packagesOf(modules: Iterable<string>): Set<string> {
    const targets = [...modules].flatMap((module) => this.#targetsOf(module, 'import-statement'));
    return new Set(
      targets.filter((target) => !target.includes('/') || target.startsWith('@')).filter((target) => !target.startsWith('node:')),
    );
  }

  exportsOf(module: string): string[] {
    return Object.values(this.#built.outputs).find(({ entryPoint }) => entryPoint === module)?.exports ?? [];
  }

  /** Whether a module finds other files relative to its own, so that its code must stay in its own file. */
  readsOwnPath(module: string): boolean {
    return readFileSync(join(this.#root, module), 'utf8').includes('import.meta');
  }

  #targetsOf(module: string, kind: string): string[] {
    const imports = this.#built.inputs[module]?.imports.filter((each) => each.kind === kind && each.external === true) ?? [];
    return imports.map(({ path }) => (path.startsWith('.') ? normalize(join(dirname(module), path)).replace(/\.js$/, '.ts') : path));
  }
}
