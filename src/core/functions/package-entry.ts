import type { ZipFile } from '#src/core/zip/read-zip.ts';
import { BOOTSTRAP, runtimes } from './runtimes.ts';

/** Splits FunctionGraph's `file.function` into the file in the package, without its extension, and the exported name. */
export function splitHandler(handler: string): { file: string; name: string } {
  const at = handler.lastIndexOf('.');
  return { file: handler.slice(0, at), name: handler.slice(at + 1) };
}

/**
 * The path of a handler's file in its package: with the first extension of a runtime that exists, else `bootstrap`; `undefined` when there is none.
 * A file of the named runtime goes before those of the others.
 */
export function findEntryFile(file: string, files: readonly Pick<ZipFile, 'path'>[], runtime?: string): string | undefined {
  const preferred = runtimes.filter(({ names }) => runtime !== undefined && names.test(runtime));
  const paths = [...preferred, ...runtimes].flatMap(({ files: ends }) => ends).map((end) => (end === BOOTSTRAP ? end : file + end));
  return paths.find((path) => files.some((one) => one.path === path));
}

/** Why a package has no file of a handler, in words. */
export function noEntryInWords(file: string): string {
  return `it has no ${file}.js, .mjs, .cjs, .ts, .mts or .py, and no ${BOOTSTRAP}`;
}
