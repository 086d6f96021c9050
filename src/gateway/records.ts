import { z } from 'zod';
import { LATEST } from '#src/core/functions/definition.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import { parseJson } from '#src/core/text/json.ts';

/** The fields that the vendor's API shows of a function and that the function's definition lacks. */
const functionRecordSchema = z.object({
  package: z.string(),
  runtime: z.string(),
  handler: z.string(),
  memory_size: z.number(),
  code_type: z.string(),
  code_filename: z.string(),
  code_size: z.number(),
  digest: z.string(),
  max_instance_num: z.number(),
  last_modified: z.string(),
  /** Stored and returned without being interpreted. */
  initializer_handler: z.string().optional(),
  initializer_timeout: z.number().optional(),
  kept: z.record(z.string(), z.unknown()).optional(),
});
export type FunctionRecord = Readonly<z.infer<typeof functionRecordSchema>>;

const asyncRecordSchema = z.object({
  created_time: z.string(),
  last_modified: z.string(),
  enable_async_status_log: z.boolean(),
  log_group_id: z.string().optional(),
  log_group_name: z.string().optional(),
  log_stream_id: z.string().optional(),
  log_stream_name: z.string().optional(),
});
export type AsyncRecord = Readonly<z.infer<typeof asyncRecordSchema>>;

/** When the status log of a project was enabled. */
const statusLogSchema = z.object({ enabled_time: z.string() });

export interface Records {
  /** Waits until this copy contains what the store contains now, including the writes of other gateways. Waits at most one second. */
  catchUp(): Promise<void>;
  /** The record of a version; of `latest` by default. */
  function(name: string, version?: string): FunctionRecord | undefined;
  /** The record of a version, or of an `!alias`, of the function. */
  asyncConfig(name: string, qualifier: string): AsyncRecord | undefined;
  statusLog(project: string): { enabled_time: string } | undefined;
  putFunction(name: string, record: FunctionRecord, version?: string): Promise<void>;
  putAsyncConfig(name: string, qualifier: string, record: AsyncRecord): Promise<void>;
  putStatusLog(project: string, record: { enabled_time: string }): Promise<void>;
  /** Deletes the record of a version; the records of all versions by default. */
  deleteFunction(name: string, version?: string): Promise<void>;
  /** Deletes the record of a version or alias; the records of all versions and aliases by default. */
  deleteAsyncConfig(name: string, qualifier?: string): Promise<void>;
}

const CATCH_UP_WITHIN_MS = 1_000;

/**
 * Keeps a local copy of the store that a watch updates, so a call reads nothing over the network. A write of this process is visible at
 * once.
 */
export async function openRecords(store: KeyValue, signal: AbortSignal): Promise<Records> {
  /** The parsed content is cached with its entry, because every invocation reads it. */
  const known = new Map<string, { value: string; revision: number; content?: unknown }>();
  const waiting = new Set<() => void>();
  let newest = 0;
  await store.watch(({ key, value, revision }) => {
    newest = Math.max(newest, revision);
    for (const check of waiting) check();
    const present = known.get(key);
    if (value === undefined) {
      // This deletion is older than a later write of this process.
      if (present !== undefined && revision > 0 && revision < present.revision) return;
      known.delete(key);
    } else if (present === undefined || revision >= present.revision) known.set(key, { value, revision });
  }, signal);

  function read<Schema extends z.ZodType>(key: string, schema: Schema): z.output<Schema> | undefined {
    const entry = known.get(key);
    if (entry === undefined) return undefined;
    if (!('content' in entry)) entry.content = schema.safeParse(parseJson(entry.value)).data;
    // Every key is always read with the same schema.
    return entry.content as z.output<Schema> | undefined;
  }
  async function put(key: string, record: unknown): Promise<void> {
    const value = JSON.stringify(record);
    const revision = await store.put(key, value);
    if ((known.get(key)?.revision ?? 0) < revision) known.set(key, { value, revision });
  }
  async function remove(key: string): Promise<void> {
    await store.delete(key);
    known.delete(key);
  }
  function keysBelow(all: string): string[] {
    return [...known.keys()].filter((key) => key === all || key.startsWith(`${all}/`));
  }
  async function catchUp(): Promise<void> {
    const wanted = await store.newestRevision();
    if (newest >= wanted) return;
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(stop, CATCH_UP_WITHIN_MS);
      function stop(): void {
        clearTimeout(deadline);
        waiting.delete(check);
        resolve();
      }
      function check(): void {
        if (newest >= wanted) stop();
      }
      waiting.add(check);
    });
  }

  return {
    catchUp,
    function: (name, version = LATEST) => read(functionKey(name, version), functionRecordSchema),
    asyncConfig: (name, qualifier) => read(asyncKey(name, qualifier), asyncRecordSchema),
    statusLog: (project) => read(`status-log.${project}`, statusLogSchema),
    putFunction: (name, record, version = LATEST) => put(functionKey(name, version), record),
    putAsyncConfig: (name, qualifier, record) => put(asyncKey(name, qualifier), record),
    putStatusLog: (project, record) => put(`status-log.${project}`, record),
    async deleteFunction(name, version) {
      await Promise.all((version === undefined ? keysBelow(functionKey(name, LATEST)) : [functionKey(name, version)]).map(remove));
    },
    async deleteAsyncConfig(name, qualifier) {
      await Promise.all((qualifier === undefined ? keysBelow(asyncKey(name, LATEST)) : [asyncKey(name, qualifier)]).map(remove));
    },
  };
}

function functionKey(name: string, version: string): string {
  return version === LATEST ? `function.${name}` : `function.${name}/version=${version}`;
}

/** A key of the bucket cannot contain the "!" of an alias. */
function asyncKey(name: string, qualifier: string): string {
  if (qualifier === LATEST) return `async.${name}`;
  return `async.${name}/${qualifier.startsWith('!') ? `alias=${qualifier.slice(1)}` : `version=${qualifier}`}`;
}
