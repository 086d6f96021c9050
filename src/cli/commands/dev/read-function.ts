import { type PackedFile, packFile } from '#src/cli/code/pack-file.ts';
import { traceModule } from '#src/cli/code/trace-module.ts';
import { type FunctionSettings, readExports } from './function-settings.ts';

export type ReadFunction = {
  /** The files that the function consists of. */
  inputs: readonly string[];
  /** The code, the definition without a name, and an example of an event; `undefined` for a file that exports no handler. */
  put: (PackedFile & { definition: Record<string, unknown>; example: string | undefined }) | undefined;
  /** Whether the file had no byte when it was read. */
  isEmpty: boolean;
};

/** Reads a handler file with its settings. An exported `config` takes precedence. Throws `CodeError` when the file cannot be loaded. */
export async function readFunction(
  path: string,
  { file: _, export: exported = 'handler', initializer, ...settings }: FunctionSettings,
  provided: string,
): Promise<ReadFunction> {
  const traced = await traceModule(path);
  const inputs = traced.files;
  const { isEmpty } = traced;
  if (isEmpty || !traced.hasExport(exported)) return { inputs, put: undefined, isEmpty };
  const hasExports = traced.hasExport('config') || traced.hasExport('input');
  const { settings: own, example } = hasExports ? await readExports(path) : { settings: {}, example: undefined };
  const packed = await packFile(traced, provided);
  const handler = { kind: 'process', package: packed.digest, file: packed.entry, export: exported };
  const initialized = initializer === undefined ? handler : { ...handler, initializer };
  return { inputs, isEmpty, put: { ...packed, example, definition: { ...settings, ...own, handler: initialized } } };
}
