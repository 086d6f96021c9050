import type { Loader, Message } from 'esbuild';
import type { ZipFile } from '#src/core/zip/read-zip.ts';
import type { Issue } from '#src/gateway/http/http-error.ts';

const loaders: Readonly<Record<string, Loader | undefined>> = {
  js: 'js',
  mjs: 'js',
  cjs: 'js',
  ts: 'ts',
  mts: 'ts',
  cts: 'ts',
  tsx: 'tsx',
};
/** The check of more code would delay the other requests. */
const MAX_CHECKED_BYTES = 4 * 1_024 * 1_024;
const MAX_ISSUES = 10;

/**
 * The reasons for which no worker could load a package: syntax errors in its own modules, and exports that the handler certainly lacks.
 * No code runs. The modules in `node_modules` are not checked.
 */
export async function checkCode(files: readonly ZipFile[], entry: string, exports: readonly string[]): Promise<Issue[]> {
  const modules = files.filter((file) => loaderOf(file.path) !== undefined && !file.path.startsWith('node_modules/'));
  let left = MAX_CHECKED_BYTES;
  const checked = [...modules]
    .sort((one, other) => Number(other.path === entry) - Number(one.path === entry))
    .filter((file) => {
      left -= file.content.length;
      return left >= 0;
    });
  const found = await Promise.all(checked.map((file) => checkModule(file, file.path === entry ? exports : [])));
  return found.flat().slice(0, MAX_ISSUES);
}

async function checkModule({ path, content }: ZipFile, exports: readonly string[]): Promise<Issue[]> {
  // Imported on use: only a gateway that receives code needs the compiler.
  const { build } = await import('esbuild');
  const text = Buffer.from(content).toString();
  try {
    const { metafile } = await build({
      stdin: { contents: text, loader: loaderOf(path) ?? 'js', sourcefile: path },
      bundle: false,
      write: false,
      metafile: true,
      tsconfigRaw: '{}',
      logLevel: 'silent',
    });
    const [output] = Object.values(metafile.outputs);
    const isEsm = Object.values(metafile.inputs)[0]?.format === 'esm';
    return exports.filter((name) => !mayExport(name, { isEsm, text, known: output?.exports ?? [] })).map((name) => missing(path, name));
  } catch (error) {
    if (!(error instanceof Error) || !('errors' in error)) throw error;
    return (error.errors as Message[]).map(({ text: problem, location }) => ({
      pointer: '/files',
      detail: `${path}${location === null ? '' : `:${location.line}:${location.column + 1}`}: ${problem}`,
    }));
  }
}

/** A CommonJS module sets its exports while it runs, so only a name that occurs nowhere in it is certainly missing. */
function mayExport(name: string, { isEsm, text, known }: { isEsm: boolean; text: string; known: readonly string[] }): boolean {
  if (isEsm) return known.includes(name) || known.includes('default') || /\bexport\s*\*/.test(text);
  return /module\.exports\s*=\s*(?!\{)/.test(text) || new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`).test(text);
}

function missing(path: string, name: string): Issue {
  return { pointer: '/handler', detail: `${path} has no export "${name}"; write: export const ${name} = async (event, context) => …` };
}

function loaderOf(path: string): Loader | undefined {
  return loaders[path.slice(path.lastIndexOf('.') + 1)];
}
