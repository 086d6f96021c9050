import { z } from 'zod';
import { ConflictError } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';

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
  /** The ids of the versions of the dependencies. */
  depend_version_list: z.array(z.string()).optional(),
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
  /** Changes the record of `latest`. After a concurrent change, `change` decides again from the newest record. */
  changeFunction(name: string, change: (present: FunctionRecord | undefined) => FunctionRecord): Promise<void>;
  putFunction(name: string, record: FunctionRecord, version?: string): Promise<void>;
  putAsyncConfig(name: string, qualifier: string, record: AsyncRecord): Promise<void>;
  putStatusLog(project: string, record: { enabled_time: string }): Promise<void>;
  /**
   * Returns the deletion of the present records of a version or an `!alias`; by default of the function with all versions and aliases. A
   * record that is written after this call stays, because it belongs to a function, version or alias that was created again meanwhile.
   */
  deletionOf(name: string, qualifier?: string): Promise<() => Promise<void>>;
  /** As `deletionOf`, of the asynchronous configuration alone. */
  asyncConfigDeletionOf(name: string, qualifier: string): Promise<() => Promise<void>>;
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
  async function put(key: string, record: unknown, expected?: number): Promise<void> {
    const value = JSON.stringify(record);
    const revision = await store.put(key, value, expected);
    if ((known.get(key)?.revision ?? 0) < revision) known.set(key, { value, revision });
  }
  async function remove(key: string, revision: number): Promise<void> {
    try {
      await store.delete(key, revision);
    } catch (error) {
      // Another gateway wrote or deleted the record since, and the watch reports that.
      if (error instanceof ConflictError) return;
      throw error;
    }
    if (known.get(key)?.revision === revision) known.delete(key);
  }
  async function deletionOf(keys: () => string[]): Promise<() => Promise<void>> {
    await catchUp();
    const present = keys().map((key) => ({ key, revision: known.get(key)?.revision }));
    return async () => {
      await Promise.all(present.map(({ key, revision }) => (revision === undefined ? undefined : remove(key, revision))));
    };
  }
  function keysBelow(all: string): string[] {
    return [...known.keys()].filter((key) => key === all || key.startsWith(`${all}/`));
  }
  async function catchUp(): Promise<void> {
    const wanted = await store.newestRevision();
    if (newest < wanted) await becomes(() => newest >= wanted, waiting);
  }

  return {
    catchUp,
    function: (name, version = LATEST) => read(functionKey(name, version), functionRecordSchema),
    asyncConfig: (name, qualifier) => read(asyncKey(name, qualifier), asyncRecordSchema),
    statusLog: (project) => read(`status-log.${project}`, statusLogSchema),
    changeFunction: (name, change) =>
      repeatOnConflict(async () => {
        const key = functionKey(name, LATEST);
        const entry = await store.get(key);
        const present = entry === undefined ? undefined : functionRecordSchema.safeParse(parseJson(entry.value)).data;
        await put(key, change(present), entry?.revision ?? 0);
      }),
    putFunction: (name, record, version = LATEST) => put(functionKey(name, version), record),
    putAsyncConfig: (name, qualifier, record) => put(asyncKey(name, qualifier), record),
    putStatusLog: (project, record) => put(`status-log.${project}`, record),
    deletionOf: (name, qualifier) =>
      deletionOf(() =>
        qualifier === undefined
          ? [functionKey(name, LATEST), asyncKey(name, LATEST)].flatMap(keysBelow)
          : [functionKey(name, qualifier), asyncKey(name, qualifier)],
      ),
    asyncConfigDeletionOf: (name, qualifier) => deletionOf(() => [asyncKey(name, qualifier)]),
  };
}

/** Waits until a condition holds that each change checks through `checks`. Waits at most one second. */
async function becomes(holds: () => boolean, checks: Set<() => void>): Promise<void> {
  await new Promise<void>((resolve) => {
    const deadline = setTimeout(stop, CATCH_UP_WITHIN_MS);
    function stop(): void {
      clearTimeout(deadline);
      checks.delete(check);
      resolve();
    }
    function check(): void {
      if (holds()) stop();
    }
    checks.add(check);
  });
}

function functionKey(name: string, version: string): string {
  return version === LATEST ? `function.${name}` : `function.${name}/version=${version}`;
}

/** A key of the bucket cannot contain the "!" of an alias. */
function asyncKey(name: string, qualifier: string): string {
  if (qualifier === LATEST) return `async.${name}`;
  return `async.${name}/${qualifier.startsWith('!') ? `alias=${qualifier.slice(1)}` : `version=${qualifier}`}`;
}
