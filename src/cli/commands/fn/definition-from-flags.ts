import { keyAndValue } from '#src/cli/arguments/key-and-value.ts';
import type { PolicyFlags } from '#src/cli/arguments/policy-flags.ts';
import { usageProblem } from '../../problem.ts';
import { destinationsFrom } from './destinations-from.ts';
import { existingFile } from './existing-file.ts';
import { packageFrom } from './package-from.ts';

export type DefinitionFlags = {
  file?: string;
  zip?: string;
  folder?: string;
  handler?: string;
  initializer?: string;
  subject?: string;
  url?: string;
  inline?: true;
  description?: string;
  timeout?: number;
  memory?: number;
  concurrency?: number;
  maxPayload?: number;
  maxOutput?: number;
  flowConcurrency?: number;
  flowRate?: object;
  flowKey?: string;
  flowTotal?: number;
  flowPool?: string;
  flowDebounceWait?: string;
  flowDebounceMaxWait?: string;
  flowDebounceKeep?: string;
  flowOrder?: string;
  flowAging?: string;
  flowOnRetry?: string;
  userData?: string[];
} & PolicyFlags;

/** A definition, and the archive of its code if the handler is in a package. */
export type Deployment = { definition: object; archive?: Uint8Array | undefined };

/** A function definition from the flags. The schema adds the defaults. */
export async function definitionFromFlags(name: string, flags: DefinitionFlags): Promise<Deployment> {
  const { description, timeout, memory, concurrency, maxPayload, maxOutput, userData } = flags;
  const { handler, archive } = await handlerFrom(name, flags);
  const definition = present({
    name,
    description,
    handler,
    timeoutInMs: timeout,
    memoryInMb: memory,
    concurrency,
    maxPayloadBytes: maxPayload,
    maxOutputBytes: maxOutput,
    flow: flowFrom(name, flags),
    userData: userData === undefined ? undefined : Object.fromEntries(userData.map((pair) => keyAndValue(pair, '--user-data'))),
    policy: policyFrom(flags),
  });
  return { definition, archive };
}

async function handlerFrom(name: string, flags: DefinitionFlags): Promise<{ handler: object; archive?: Uint8Array | undefined }> {
  const { file, zip, folder, handler, initializer, subject, url, inline } = flags;
  const given = [file, zip, folder, subject, url, inline].filter((value) => value !== undefined);
  if (given.length !== 1) {
    const why = given.length === 0 ? 'no option names its handler' : 'several options name its handler';
    throw usageProblem(`"${name}" cannot be defined`, why, 'one of --file, --folder, --zip, --subject, --url, --inline; or a .json file');
  }
  if (subject !== undefined) return { handler: { kind: 'subject', subject } };
  if (url !== undefined) return { handler: { kind: 'http', url } };
  if (inline !== undefined) return { handler: { kind: 'inline' } };
  // FunctionGraph names a handler with its file, as in index.handler.
  const exported = { export: handler?.split('.').at(-1), initializer: initializer?.split('.').at(-1) };
  if (file !== undefined) return await packedHandler(await existingFile(file, process.cwd()), exported);
  const { archive, entry, digest } = await packageFrom({ zip, folder, handler });
  return { handler: present({ kind: 'process', package: digest, file: entry, ...exported }), archive };
}

/** The handler of a file, whose code becomes a package (rule CODE1). Throws `CodeError` when no worker could load the file. */
export async function packedHandler(
  file: string,
  { export: name, ...handler }: { export?: string | undefined; initializer?: string | undefined },
): Promise<Required<Pick<Deployment, 'archive'>> & { handler: object }> {
  const { traceModule } = await import('#src/cli/code/trace-module.ts');
  const { packFile } = await import('#src/cli/code/pack-file.ts');
  const traced = await traceModule(file);
  traced.expectExport(name ?? 'handler');
  if (handler.initializer !== undefined) traced.expectExport(handler.initializer);
  const { archive, digest, entry } = await packFile(traced);
  return { handler: present({ ...handler, kind: 'process', package: digest, file: entry, export: name }), archive };
}

/** Without any of these flags there is no flow, and no limit over all workers. */
function flowFrom(name: string, flags: DefinitionFlags): object | undefined {
  const { flowConcurrency: concurrency, flowRate: rate, flowKey: key, flowTotal: total, flowPool: pool } = flags;
  const { flowOrder: order, flowAging: aging, flowOnRetry: onRetry } = flags;
  const { flowDebounceWait: wait, flowDebounceMaxWait: maxWait, flowDebounceKeep: keep } = flags;
  const debounce = wait === undefined ? undefined : present({ wait, maxWait, keep });
  if ([concurrency, rate, debounce].some((value) => value !== undefined))
    return present({ concurrency, rate, debounce, key, total, pool, order, aging, onRetry });
  if ([key, total, pool, order, aging, onRetry, maxWait, keep].every((value) => value === undefined)) return undefined;
  throw usageProblem(`"${name}" cannot be defined`, 'its flow has no limit', '--flow-concurrency 1 or --flow-rate 100/1s');
}

/** Without any of these flags there is no policy, and therefore no retry. */
export function policyFrom({ maxRetries, maxAge, backoff, maxBackoff, onSuccess, onFailure, allowCycle }: PolicyFlags): object | undefined {
  const given = [maxRetries, maxAge, backoff, maxBackoff, onSuccess, onFailure, allowCycle];
  if (given.every((value) => value === undefined)) return undefined;
  return present({
    maxRetries: maxRetries ?? 0,
    maxAgeInSeconds: maxAge === undefined ? undefined : Math.ceil(maxAge / 1_000),
    backoff: present({ initialInMs: backoff, maxInMs: maxBackoff ?? (backoff === undefined ? undefined : Math.max(backoff, 60_000)) }),
    onSuccess: onSuccess?.flatMap((text) => destinationsFrom(text, '--on-success')),
    onFailure: onFailure?.flatMap((text) => destinationsFrom(text, '--on-failure')),
    allowCycle,
  });
}

function present(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
