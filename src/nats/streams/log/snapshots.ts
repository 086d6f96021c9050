import { setTimeout as delay } from 'node:timers/promises';
import { type Msg, StorageType, type StreamConfig, type StreamInfo, type StreamState } from 'nats';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { SnapshotFailedError } from '#src/core/snapshot-failed-error.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { isNotPermitted } from '#src/nats/transport/errors.ts';
import { findStream } from '#src/nats/transport/streams/ensure-stream.ts';

/*
 * Snapshots of JetStream streams, by the server's own API. A snapshot holds the messages and the consumers of one moment, compressed, in
 * the format of the server. The nats command uses the same.
 *
 * 1. The server sends a snapshot in chunks. It waits for the acknowledgements of earlier chunks, so the receiver sets the pace.
 *    The state in its answer may be older than the snapshot, which then also holds the messages that came meanwhile.
 * 2. An empty message is the end. A status of 400 or more in its headers is an error.
 * 3. A restore sends the chunks one after another, and the server answers each. The answer to an empty chunk is the stream, or the error.
 */

/** What the server needs beside the chunks to restore a stream. */
export type SnapshotOf = { config: StreamConfig; state: StreamState };

/** Whether the server can take a snapshot of a stream: not of one in memory. */
export const canBeSnapshot = ({ config }: Pick<StreamInfo, 'config'>): boolean => config.storage === StorageType.File;

/** A chunk is at most a half of what the server accepts in one message. */
const CHUNK_BYTES = 512 * 1024;
const chunkBytesOf = ({ nats }: Connection): number => Math.min(CHUNK_BYTES, Math.floor((nats.info?.max_payload ?? CHUNK_BYTES) / 2));
/** How long the server may be silent. It reads every message of the stream before the first chunk. */
const ANSWER_WITHIN_MS = 300_000;
const CHUNK_WITHIN_MS = 60_000;
const BAD_REQUEST = 400;

const answerSchema = z.looseObject({ error: z.object({ description: z.string().optional() }).optional() });

/**
 * Takes a snapshot of a stream, after the server has checked the messages. `onChunk` gets its parts in their order.
 *
 * Throws `SnapshotFailedError`.
 */
export async function takeSnapshot(connection: Connection, stream: string, onChunk: (chunk: Uint8Array) => void): Promise<SnapshotOf> {
  const { nats } = connection;
  const inbox = connection.createInbox();
  const chunks = nats.subscribe(inbox);
  try {
    const question = { deliver_subject: inbox, jsck: true, chunk_size: chunkBytesOf(connection) };
    const { config, state } = await ask<SnapshotOf>(connection, `STREAM.SNAPSHOT.${stream}`, question);
    const incoming = chunks[Symbol.asyncIterator]();
    for (;;) {
      const { value: chunk } = (await within(CHUNK_WITHIN_MS, incoming.next())) as IteratorResult<Msg, undefined>;
      if (chunk === undefined) throw new Error('the connection was closed');
      const status = chunk.headers?.code ?? 0;
      if (status >= BAD_REQUEST) throw new Error(`the server ended the snapshot: ${status} ${chunk.headers?.description}`);
      if (chunk.data.length === 0) return { config, state };
      onChunk(chunk.data);
      chunk.respond();
    }
  } catch (cause) {
    throw failure(connection, { stream, what: 'taken' }, cause);
  } finally {
    chunks.unsubscribe();
  }
}

/**
 * Creates a stream from its snapshot, with its sequences, times and consumers. One that lacks messages is deleted again.
 *
 * Throws `SnapshotFailedError`, as when the stream exists.
 */
export async function restoreSnapshot(
  connection: Connection,
  { config, state }: SnapshotOf,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const stream = config.name;
  try {
    const { deliver_subject: target } = await ask<{ deliver_subject: string }>(connection, `STREAM.RESTORE.${stream}`, { config, state });
    const send = async (chunk?: Uint8Array) =>
      errorIn((await connection.nats.request(target, chunk, { timeout: ANSWER_WITHIN_MS })).string());
    for await (const chunk of chunks) await send(chunk);
    await send();
  } catch (cause) {
    throw failure(connection, { stream, what: 'restored' }, cause);
  }
  const restored = (await findStream(connection, stream))?.state;
  if (restored !== undefined && restored.last_seq >= state.last_seq) return;
  await connection.manager.streams.delete(stream).catch(() => {});
  const why = `it ends at ${restored?.last_seq ?? 'no message'}, and the backup at ${state.last_seq}`;
  throw new SnapshotFailedError({ stream, what: 'restored', why });
}

/** The size of the parts in which a file is restored. */
export const restoreChunkBytes = chunkBytesOf;

function failure({ refusals }: Connection, facts: { stream: string; what: 'taken' | 'restored' }, cause: unknown): unknown {
  return isNotPermitted(cause) ? refusals.explain(cause) : new SnapshotFailedError({ ...facts, why: messageOf(cause) }, { cause });
}

async function ask<Answer>({ nats, jetstream }: Connection, api: string, question: object): Promise<Answer> {
  const reply = await nats.request(`${jetstream.apiPrefix}.${api}`, JSON.stringify(question), { timeout: ANSWER_WITHIN_MS });
  errorIn(reply.string());
  return reply.json<Answer>();
}

function errorIn(text: string): void {
  const { error } = answerSchema.safeParse(parseJson(text)).data ?? {};
  if (error !== undefined) throw new Error(error.description ?? 'the server gave no reason');
}

async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value> {
  const ending = new AbortController();
  const silence = delay(ms, undefined, { signal: ending.signal }).then(() => Promise.reject(new Error(`nothing came for ${ms / 1_000} s`)));
  try {
    return await Promise.race([promise, silence]);
  } finally {
    ending.abort();
    await silence.catch(() => {});
  }
}
