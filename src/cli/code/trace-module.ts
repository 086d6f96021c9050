import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, extname, join, resolve, sep } from 'node:path';
import type { Message, Metafile, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild';
import { isProgram } from '#src/core/functions/runtimes.ts';
import { CodeError, fromHere } from './code-error.ts';
import { isHandlerFile, isPython, refuseLanguage, type TraceOptions } from './languages.ts';

/** An npm package that a file of the function imports. */
type PackageImport = { name: string; importer: string };

/** The files that belong to a handler module, and what the module exports. */
export type TracedModule = {
  file: string;
  /** The absolute paths of the module and of every local file that it imports, also indirectly. */
  files: string[];
  packages: PackageImport[];
  /** Whether the module had no byte when it was traced. */
  isEmpty: boolean;
  /** Throws `CodeError` when the module certainly has no export of this name. */
  expectExport(name: string): void;
  hasExport(name: string): boolean;
  /** The settings that the module holds as plain data, if they can be read without running it. */
  config?: Record<string, unknown> | undefined;
};

type EntryFacts = {
  exports: readonly string[];
  isCommonJs: boolean;
  /** The package.json that makes an ES module of a file that is written as a CommonJS module. */
  misreadBy: string | undefined;
  isEmpty: boolean;
  text: string;
  texts: string;
};

/**
 * Finds the files of a handler module, as Node and the loader for TypeScript resolve them. No code of the module runs.
 *
 * Throws `CodeError` when the module cannot be loaded: it is in another language, it or an imported file has a syntax error, or an import
 * names nothing. The message has the file, the line, the column, and the line itself. `CodeError.files` names the files that were read, so
 * that a change of each of them can be awaited. With `within`, an import from outside of that folder is refused, too.
 */
export async function traceModule(path: string, { within, modules }: TraceOptions = {}): Promise<TracedModule> {
  const file = realpathSync(resolve(path));
  refuseLanguage(file);
  if (isPython(file))
    return await (await import('./trace-python.ts')).tracePython(file, { within: within && realpathSync(within), modules });
  if (isProgram(file)) return await (await import('./trace-program.ts')).traceProgram(file);
  const trace: Trace = { packages: [], seen: new Set([file]), within: within === undefined ? '/' : join(realpathSync(within), sep) };
  const { packages, seen } = trace;
  const { metafile, errors, warnings } = await bundle(file, [tracing(trace)]);
  if (metafile === undefined) throw new CodeError(errors, { files: [...seen] });
  const files = Object.keys(metafile.inputs).map((input) => resolve('/', input));
  const facts = factsOf(file, files, metafile, warnings);
  if (!facts.isCommonJs && /\.c[jt]s$/.test(file)) throw wrongSyntax(file, files);
  return {
    file,
    files: [...new Set([...files, ...files.flatMap(assetsOf)])],
    packages,
    isEmpty: facts.isEmpty,
    hasExport: (name) => mayExport(name, facts),
    expectExport(name) {
      if (!mayExport(name, facts)) throw missingExport(file, name, facts);
    },
  };
}

async function bundle(file: string, plugins: Plugin[]): Promise<{ metafile?: Metafile; errors: Message[]; warnings: Message[] }> {
  // Imported on use: a command without a file needs no bundler.
  const { build } = await import('esbuild');
  try {
    const { metafile, warnings } = await build({
      entryPoints: [file],
      absWorkingDir: '/',
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      // The processes of a function know no tsconfig.json.
      tsconfigRaw: '{}',
      // The order of Node, which knows no field "module".
      mainFields: ['main'],
      conditions: [],
      loader: { '.node': 'empty' },
      logLevel: 'silent',
      plugins,
    });
    return { metafile, errors: [], warnings };
  } catch (error) {
    if (error instanceof Error && 'errors' in error) return { errors: error.errors as Message[], warnings: [] };
    throw error;
  }
}

type Trace = { packages: PackageImport[]; seen: Set<string>; within: string };

/** Notes the imported packages, which stay outside of the bundle, and the files that are read. */
function tracing({ packages, seen, within }: Trace): Plugin {
  return {
    name: 'sequent-trace',
    setup({ onResolve, onLoad }) {
      onLoad({ filter: /.*/ }, ({ path }) => {
        seen.add(path);
        if (!path.startsWith(within)) return { errors: [{ text: `${path} is outside of ${within}, and is not packed with it` }] };
        return undefined;
      });
      onResolve({ filter: /^[^./#]/ }, (args) => (args.kind === 'entry-point' ? undefined : resolvePackage(args, packages, within)));
    },
  };
}

function resolvePackage({ path, importer, kind }: OnResolveArgs, packages: PackageImport[], within: string): OnResolveResult | undefined {
  if (isBuiltin(path) || /^(?:file|data):/.test(path)) return { external: true };
  const name = packageNameOf(path);
  const isFound = findPackage(name, importer)?.startsWith(within) ?? false;
  if (isFound) packages.push({ name, importer });
  else if (isOwnName(name, importer)) return undefined;
  // A module may try whether an optional package is there. Only a static import must be resolved.
  else if (kind === 'import-statement') return { errors: [{ text: notInstalled(name, importer, within) }] };
  return { external: true };
}

function notInstalled(name: string, importer: string, within: string): string {
  const where = within === '/' ? `${dirname(importer)} or a folder above it` : within;
  return `the package "${name}" is not installed in ${where}`;
}

function packageNameOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The real folder of a package, as Node finds it from an importing file or a folder; `undefined` when it is not installed. */
export function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(candidate)) return realpathSync(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}

/** Whether a file belongs to a package of this name, which may import itself. */
function isOwnName(name: string, importer: string): boolean {
  const found = nearestPackageJson(dirname(importer));
  return found !== undefined && (JSON.parse(readFileSync(found, 'utf8')) as { name?: string }).name === name;
}

/** The package.json that decides the kind of the modules in a folder. */
export function nearestPackageJson(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'package.json');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function factsOf(file: string, files: readonly string[], { inputs, outputs }: Metafile, warnings: readonly Message[]): EntryFacts {
  const input = Object.entries(inputs).find(([path]) => resolve('/', path) === file)?.[1];
  const text = readFileSync(file, 'utf8');
  const texts = files.filter(isHandlerFile).map((path) => readFileSync(path, 'utf8'));
  return {
    exports: Object.values(outputs)[0]?.exports ?? [],
    misreadBy: isMisread(file, warnings) ? nearestPackageJson(dirname(file)) : undefined,
    isEmpty: input?.bytes === 0,
    isCommonJs: input?.format === 'cjs' || (input?.format === undefined && /\.c[jt]s$/.test(file)),
    text,
    texts: texts.join('\n'),
  };
}

/** Whether the file sets `exports`, and its package.json says that it is an ES module, in which `exports` does not exist. */
function isMisread(file: string, warnings: readonly Message[]): boolean {
  return warnings.some(
    ({ id, location }) => id === 'commonjs-variable-in-esm' && location !== null && resolve('/', location.file) === file,
  );
}

/**
 * Whether the module may have this export. Of an ES module the exports are known. A CommonJS module sets its exports while it runs, so
 * only a name that occurs nowhere in its files is certainly missing.
 */
function mayExport(name: string, { exports, isCommonJs, text, texts }: EntryFacts): boolean {
  if (!isCommonJs && exports.includes(name)) return true;
  if (/\bexport\s*\*\s*from\s*['"][^./]/.test(text)) return true;
  if (!isCommonJs && !exports.includes('default')) return false;
  const isComputed = /module\.exports\s*=\s*(?!\{)|Object\.assign\(\s*(?:module\.)?exports/.test(text);
  return isComputed || new RegExp(`(?<![\\w$])${name.replaceAll(/\W/g, '\\$&')}(?![\\w$])`).test(texts);
}

function missingExport(file: string, name: string, { exports, isCommonJs, misreadBy }: EntryFacts): CodeError {
  if (misreadBy !== undefined) {
    const text = `the file sets exports as a CommonJS module does, and ${fromHere(misreadBy)} says "type": "module", so Node loads it as an ES module without exports`;
    return new CodeError([{ text, file }], { files: [file, misreadBy], remedy: `the extension .cjs, or export const ${name} = …` });
  }
  const known = isCommonJs ? [] : exports.filter((one) => one !== 'default');
  const what = known.length === 0 ? 'it exports nothing by a name' : `it exports ${known.join(', ')}`;
  const text = `the module has no export "${name}"${isCommonJs ? '' : `; ${what}`}`;
  const remedy = known[0] === undefined ? `export const ${name} = async (event, context) => …` : `--handler ${known[0]}`;
  return new CodeError([{ text, file }], { files: [file], remedy });
}

function wrongSyntax(file: string, files: string[]): CodeError {
  const text = `${extname(file)} names a CommonJS module, and the file has import or export statements`;
  return new CodeError([{ text, file }], { files, remedy: `the extension ${extname(file).replace('c', 'm')}` });
}

/** The files that a module finds relative to itself by `new URL('./…', import.meta.url)`. */
function assetsOf(file: string): string[] {
  if (!isHandlerFile(file)) return [];
  const found = readFileSync(file, 'utf8').matchAll(/new URL\(\s*(['"])(\.{1,2}\/[^'"]+)\1\s*,\s*import\.meta\.url\s*\)/g);
  return [...found].map(([, , path = '']) => resolve(dirname(file), path)).filter((path) => existsSync(path));
}
