import { readFileSync } from 'node:fs';
import { isPython } from '#src/cli/code/languages.ts';
import { type PackedFile, packFile } from '#src/cli/code/pack-file.ts';
import { type TracedModule, traceModule } from '#src/cli/code/trace-module.ts';
import { exportsFunctionByDefault } from './function-files.ts';
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
  { file: _, export: namedExport, initializer, runtime, ...settings }: FunctionSettings,
  { provided, isInspected }: { provided: string; isInspected: boolean },
): Promise<ReadFunction> {
  const traced = await traceModule(path);
  const inputs = traced.files;
  const { isEmpty } = traced;
  const exported = namedExport ?? exportOf(traced, path);
  if (isEmpty || !traced.hasExport(exported)) return { inputs, put: undefined, isEmpty };
  const { settings: own, example } = await settingsIn(traced, path);
  const packed = await packFile(traced, provided);
  const named = Object.fromEntries(Object.entries({ initializer, runtime }).filter(([, value]) => value !== undefined));
  const handler = { kind: 'process', package: packed.digest, file: packed.entry, export: exported, ...named };
  const definition = { ...settings, ...own, handler };
  return {
    inputs,
    isEmpty,
    put: { ...packed, example, definition: isInspected ? inspected(definition, traced.file, packed.digest) : definition },
  };
}

/** The settings in a module. Those of Python are read without running it. */
async function settingsIn({ hasExport, config }: TracedModule, path: string): ReturnType<typeof readExports> {
  if (isPython(path)) return { settings: config ?? {}, example: undefined };
  return hasExport('config') || hasExport('input') ? await readExports(path) : { settings: {}, example: undefined };
}

/**
 * An inspected function runs its file where the file is, so that breakpoints of an editor are in it. The digest of all of its files makes a
 * process of a changed one end. A person may think at a breakpoint for as long as the longest time limit.
 */
function inspected(definition: { handler: object; userData?: object }, file: string, digest: string) {
  const { package: _, ...handler } = definition.handler as { package?: string };
  const userData = { ...definition.userData, SEQUENT_DEV_DIGEST: digest.slice(0, 16) };
  return { ...definition, handler: { ...handler, file }, userData, timeoutInMs: MAX_TIMEOUT_IN_MS };
}

const MAX_TIMEOUT_IN_MS = 259_200_000;

/** `handler` goes before a function as the default export. */
function exportOf({ hasExport }: TracedModule, path: string): string {
  if (hasExport('handler') || isPython(path) || !hasExport('default')) return 'handler';
  return exportsFunctionByDefault(readFileSync(path, 'utf8')) ? 'default' : 'handler';
}
