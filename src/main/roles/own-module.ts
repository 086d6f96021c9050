import { fileURLToPath } from 'node:url';

/** How Node starts a module of this program: the file, and the options of Node that it needs. */
export type OwnModule = { file: string; execArgv: string[] };

/** Whether this program runs from its sources, as in a clone. A package runs from JavaScript. */
const runsFromSources = import.meta.url.endsWith('.ts');

/** The module of this path below this folder, as an entry point of another process. */
export function ownModule(name: string): OwnModule {
  const file = fileURLToPath(new URL(`./${name}.${runsFromSources ? 'ts' : 'js'}`, import.meta.url));
  return { file, execArgv: runsFromSources ? ['--import', import.meta.resolve('tsx')] : [] };
}

/** The same as an entry point of a thread. A thread does not inherit the loader, so that the sources have an entry in JavaScript. */
export function ownThread(name: string): URL {
  return new URL(`./${name}.${runsFromSources ? 'mjs' : 'js'}`, import.meta.url);
}
