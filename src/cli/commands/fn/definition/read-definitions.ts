import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readStdinText } from '#src/cli/arguments/payload.ts';
import type { Call } from '#src/cli/call.ts';
import { messageOf } from '#src/core/errors.ts';
import { usageProblem } from '../../../problem.ts';
import { type CodeFlags, type Deployment, existingFile, packedHandler } from './package-from.ts';
import type { SettingsFlags } from './settings-flags.ts';

type DefinitionFlags = CodeFlags & SettingsFlags;

/** Whether the argument names a file of definitions, or stdin, instead of a function. */
export function isDefinitionFile(text: string): boolean {
  return text === '-' || text.endsWith('.json');
}

/** The definitions of a JSON file or of stdin, with the code of their files. Paths are relative to the folder of the JSON file. */
export async function readDefinitions(
  source: string,
  flags: DefinitionFlags,
  call: Pick<Call, 'terminal' | 'options'>,
): Promise<Deployment[]> {
  const extra = Object.keys(flags).find((key) => definitionKeys.has(key));
  if (extra !== undefined)
    throw usageProblem(
      'flags and a file cannot be combined',
      `${source === '-' ? 'stdin' : source} names the fields itself`,
      'change the file, or pass a name instead of the file',
    );
  const parsed = parse(await read(source, call), source);
  const folder = source === '-' ? process.cwd() : dirname(resolve(source));
  return await Promise.all([parsed].flat().map((definition) => completed(definition, folder)));
}

const definitionKeys: ReadonlySet<string> = new Set<keyof DefinitionFlags>([
  'file',
  'zip',
  'folder',
  'handler',
  'initializer',
  'runtime',
  'layer',
  'subject',
  'url',
  'inline',
  'description',
  'timeout',
  'memory',
  'concurrency',
  'maxPayload',
  'maxOutput',
  'flowConcurrency',
  'flowRate',
  'flowKey',
  'flowTotal',
  'flowPool',
  'flowDebounceWait',
  'flowDebounceMaxWait',
  'flowDebounceKeep',
  'flowOrder',
  'flowAging',
  'flowOnRetry',
  'userData',
  'maxRetries',
  'maxAge',
  'backoff',
  'maxBackoff',
  'onSuccess',
  'onFailure',
  'allowCycle',
  'unset',
]);

async function read(source: string, call: Pick<Call, 'terminal' | 'options'>): Promise<string> {
  if (source === '-') return await readStdinText(call);
  return await readFile(source, 'utf8').catch((cause: unknown) => {
    throw usageProblem('the definition cannot be read', messageOf(cause), 'sequent fn put --help');
  });
}

function parse(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw usageProblem(
      'the definition cannot be read',
      `${source === '-' ? 'stdin' : source} is not JSON: ${messageOf(cause)}`,
      'sequent fn get hello --json, which shows one',
    );
  }
}

type HandlerFields = { kind?: unknown; file?: unknown; package?: unknown; export?: string; initializer?: string; runtime?: string };

async function completed(definition: unknown, folder: string): Promise<Deployment> {
  if (typeof definition !== 'object' || definition === null) {
    throw usageProblem('the definition cannot be read', 'it is not a JSON object', 'sequent fn get hello --json, which shows one');
  }
  // The output of "fn get" has a revision, which the registry assigns.
  const { revision: _, ...fields } = definition as { revision?: unknown; handler?: HandlerFields };
  const { handler } = fields;
  if (handler?.kind !== 'process' || typeof handler.file !== 'string' || handler.package !== undefined) return { definition: fields };
  const packed = await packedHandler(await existingFile(handler.file, folder), handler);
  return { definition: { ...fields, handler: packed.handler }, archive: packed.archive };
}
