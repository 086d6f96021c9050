import type { ZipFile } from '#src/core/zip/read-zip.ts';

/** FunctionGraph's `file.function`: the file, in the package and without its ending, and what it exports. */
export function splitHandler(handler: string): { file: string; name: string } {
  const at = handler.lastIndexOf('.');
  return { file: handler.slice(0, at), name: handler.slice(at + 1) };
}

const ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts'];

/** The path of a handler's file in its package: with the ending that is there. */
export function findEntryFile(file: string, files: readonly Pick<ZipFile, 'path'>[]): string | undefined {
  return ENDINGS.map((ending) => file + ending).find((path) => files.some((one) => one.path === path));
}
