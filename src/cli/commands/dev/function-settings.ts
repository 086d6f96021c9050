import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CodeError, fromHere } from '#src/cli/code/code-error.ts';
import { parseJson } from '#src/core/json/json.ts';
import { exampleEvent, JSON_SCHEMA_OPTIONS } from '#src/core/text/example-event.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import { nodeArguments } from '#src/hosts/runtimes/nodejs.ts';

/** The file with settings of the functions of a folder. */
export const SETTINGS_FILE = 'sequent.json';

/** The settings of one function: the fields of its definition, without name and handler. The registry checks the fields. */
export type FunctionSettings = {
  file?: string | undefined;
  export?: string | undefined;
  initializer?: string | undefined;
  runtime?: string | undefined;
} & Record<string, unknown>;

const settingsSchema = z.strictObject({
  functions: z
    .record(
      z.string(),
      z.looseObject({
        file: z.string().optional(),
        export: z.string().optional(),
        initializer: z.string().optional(),
        runtime: z.string().optional(),
      }),
    )
    .default({}),
});

/** The settings in the `sequent.json` of a folder, by function. Throws `CodeError` when the file cannot be read. */
export function readSettings(folder: string): Readonly<Record<string, FunctionSettings>> {
  const file = join(folder, SETTINGS_FILE);
  if (!existsSync(file)) return {};
  const parsed = settingsSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (!parsed.success) {
    const remedy = '{ "functions": { "hello": { "timeoutInMs": 10000, "policy": { "maxRetries": 2 } } } }';
    throw new CodeError([{ text: `the settings cannot be read: ${problemsOf(parsed.error)}`, file }], { files: [file], remedy });
  }
  return Object.fromEntries(
    Object.entries(parsed.data.functions).map(([name, one]) => [
      name,
      one.file === undefined ? one : { ...one, file: resolve(folder, one.file) },
    ]),
  );
}

/**
 * The script of the process that reads the exports: the module may do anything while it is loaded. `input` is a JSON Schema, or a schema of a
 * library with Standard JSON Schema, such as zod since 4.2; the copy of the library that the module imports converts it.
 */
const reader = `
const module = await import(process.argv[1]);
const read = (name) => module[name] ?? module.default?.[name];
const toJsonSchema = (schema) => {
  const { '~standard': standard } = Object(schema);
  try {
    return standard === undefined ? schema : standard.jsonSchema.input(${JSON.stringify(JSON_SCHEMA_OPTIONS)});
  } catch {}
};
process.send({ config: read('config') ?? {}, input: toJsonSchema(read('input')) }, () => process.exit());
`;
const READ_WITHIN_MS = 10_000;

/**
 * The exported `config` of a module, and an example of an event that its exported schema `input` describes.
 *
 * Throws `CodeError` when the module cannot be loaded, and when `config` is not plain data.
 */
export async function readExports(file: string): Promise<{ settings: FunctionSettings; example: string | undefined }> {
  const child = spawn(process.execPath, [...nodeArguments({ memoryInMb: 256, file }), '--input-type=module', '-e', reader, file], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    timeout: READ_WITHIN_MS,
    killSignal: 'SIGKILL',
  });
  let config: unknown;
  let input: unknown;
  let stderr = '';
  child.on('message', (message: { config: unknown; input?: unknown }) => {
    ({ config, input } = message);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4_096);
  });
  await once(child, 'close');
  if (typeof config === 'object' && config !== null && !Array.isArray(config))
    return { settings: config as FunctionSettings, example: exampleEvent(input) };
  const why =
    config === undefined ? `the module could not be loaded to read its config:\n${stderr.trim()}` : 'the exported config is no object';
  throw new CodeError([{ text: why, file }], { files: [file], remedy: `node ${fromHere(file)}` });
}
