import type { ZipFile } from '#src/core/zip/read-zip.ts';

/** Splits FunctionGraph's `file.function` into the file in the package, without its extension, and the exported name. */
export function splitHandler(handler: string): { file: string; name: string } {
  const at = handler.lastIndexOf('.');
  return { file: handler.slice(0, at), name: handler.slice(at + 1) };
}

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts'];

/** The path of a handler's file in its package, with the first extension that exists; `undefined` when there is none. */
export function findEntryFile(file: string, files: readonly Pick<ZipFile, 'path'>[]): string | undefined {
  return EXTENSIONS.map((extension) => file + extension).find((path) => files.some((one) => one.path === path));
}
