import { basename, extname } from 'node:path';

/** A kind of code of a package, or of a file of the worker's machine. `src/hosts/runtimes` runs it. */
export type Runtime = {
  id: 'nodejs' | 'python' | 'custom' | 'http' | 'executable';
  /** How people call it. */
  title: string;
  /** The ends of the names of its files: an extension, or a whole name. Without a named runtime, the file decides. */
  files: readonly string[];
  /** The names in a definition, which `definition.ts` checks. */
  names: RegExp;
  /** The names in FunctionGraph's API. */
  vendorNames: RegExp;
  /** The name in FunctionGraph's API of a function that was defined without it. */
  vendorName: string;
};

/** The file that a custom runtime starts. */
export const BOOTSTRAP = 'bootstrap';

/** Whether a file is a program, which can be in any language: the program of a custom runtime unless a runtime is named. */
export function isProgram(file: string): boolean {
  return basename(file) === BOOTSTRAP;
}

/** The table of runtimes. A row for the host is in `src/hosts/runtimes/runtimes.ts`. */
export const runtimes: readonly [Runtime, ...Runtime[]] = [
  {
    id: 'nodejs',
    title: 'Node.js',
    files: ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx'],
    names: /^nodejs$/,
    vendorNames: /^Node\.js\d+\.\d+$/,
    vendorName: 'Node.js20.15',
  },
  {
    id: 'python',
    title: 'Python',
    files: ['.py'],
    names: /^python3(?:\.\d{1,2})?$/,
    vendorNames: /^Python3\.\d{1,2}$/,
    vendorName: 'Python3.12',
  },
  { id: 'custom', title: 'Custom', files: [BOOTSTRAP], names: /^custom$/, vendorNames: /^Custom$/, vendorName: 'Custom' },
  { id: 'http', title: 'HTTP', files: [BOOTSTRAP], names: /^http$/, vendorNames: /^http$/, vendorName: 'http' },
  { id: 'executable', title: 'Executable', files: [BOOTSTRAP], names: /^executable$/, vendorNames: /^\b$/, vendorName: 'Custom' },
];

type Named = { file: string; runtime?: string | undefined };

/** Whether a runtime runs files of this name. */
export function runsFile({ files }: Runtime, file: string): boolean {
  return files.includes(extname(file)) || files.includes(basename(file));
}

/** The runtime of a handler: the named one, else that of the file. Another file is a module of Node.js, as before there were others. */
export function runtimeOf({ file, runtime: name }: Named): Runtime {
  const isOf = (runtime: Runtime): boolean => (name === undefined ? runsFile(runtime, file) : runtime.names.test(name));
  return runtimes.find(isOf) ?? runtimes[0];
}

/** Why the named runtime of a handler cannot run its file; `undefined` when it can, and for a handler without a named runtime. */
export function runtimeMisfit({ file, runtime: name }: Named): { name: string; file: string; title: string; ends: string } | undefined {
  const named = name === undefined ? undefined : runtimes.find(({ names }) => names.test(name));
  if (name === undefined || named === undefined || runsFile(named, file)) return undefined;
  return { name, file, title: named.title, ends: named.files.join(', ') };
}

/** The same in words; `undefined` when the runtime fits the file. */
export function runtimeMisfitInWords(handler: Named): string | undefined {
  const misfit = runtimeMisfit(handler);
  return misfit && `${misfit.name} cannot run ${misfit.file}: the name of a file of ${misfit.title} ends with ${misfit.ends}`;
}

/** The runtime that the code of a function keeps when its file is replaced: the named one, if it can run the new file. */
export function keptRuntime(file: string, former: string | undefined): string | undefined {
  return runtimeMisfit({ file, runtime: former }) === undefined ? former : undefined;
}

/** The runtime that FunctionGraph calls so, and its name in a definition; `undefined` for one that Sequent lacks. */
export function runtimeByVendorName(vendorName: string): { runtime: Runtime; name: string | undefined } | undefined {
  const runtime = runtimes.find(({ vendorNames }) => vendorNames.test(vendorName));
  if (runtime === undefined) return undefined;
  return { runtime, name: runtime.id === 'nodejs' ? undefined : vendorName.toLowerCase() };
}

/** FunctionGraph's name of the runtime of a handler. */
export function vendorNameOf(handler: Named): string {
  const runtime = runtimeOf(handler);
  const named = `${handler.runtime?.charAt(0).toUpperCase()}${handler.runtime?.slice(1)}`;
  return runtime.vendorNames.test(named) ? named : runtime.vendorName;
}
