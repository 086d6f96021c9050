import { z } from 'zod';
import type { KeyValue } from '#src/core/key-value.ts';

/** What the vendor's API says of a function and its definition does not hold. */
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
});
export type FunctionRecord = z.infer<typeof functionRecordSchema>;

const asyncRecordSchema = z.object({
  created_time: z.string(),
  last_modified: z.string(),
  enable_async_status_log: z.boolean(),
});
export type AsyncRecord = z.infer<typeof asyncRecordSchema>;

export interface Records {
  function(name: string): FunctionRecord | undefined;
  asyncConfig(name: string): AsyncRecord | undefined;
  putFunction(name: string, record: FunctionRecord): Promise<void>;
  putAsyncConfig(name: string, record: AsyncRecord): Promise<void>;
  deleteFunction(name: string): Promise<void>;
  deleteAsyncConfig(name: string): Promise<void>;
}

/** Keeps a local copy that follows the changes, so that a call reads nothing. What this process writes it sees at once. */
export async function openRecords(store: KeyValue, signal: AbortSignal): Promise<Records> {
  const known = new Map<string, { value: string; revision: number }>();
  await store.watch(({ key, value, revision }) => {
    const present = known.get(key);
    if (value === undefined) {
      // A deletion that is older than what this process wrote since.
      if (present !== undefined && revision > 0 && revision < present.revision) return;
      known.delete(key);
    } else if (present === undefined || revision >= present.revision) known.set(key, { value, revision });
  }, signal);

  function read<Schema extends z.ZodType>(key: string, schema: Schema): z.output<Schema> | undefined {
    const entry = known.get(key);
    if (entry === undefined) return undefined;
    try {
      return schema.safeParse(JSON.parse(entry.value)).data;
    } catch {
      // Somebody wrote to the bucket by hand.
      return undefined;
    }
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
  return {
    function: (name) => read(`function.${name}`, functionRecordSchema),
    asyncConfig: (name) => read(`async.${name}`, asyncRecordSchema),
    putFunction: (name, record) => put(`function.${name}`, record),
    putAsyncConfig: (name, record) => put(`async.${name}`, record),
    deleteFunction: (name) => remove(`function.${name}`),
    deleteAsyncConfig: (name) => remove(`async.${name}`),
  };
}
