import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AckPolicy, connect, DeliverPolicy, type JsMsg, type NatsConnection } from 'nats';
import type { ClientOp, Evidence, Execution, RawMessage } from './evidence.ts';
import { judge } from './judge.ts';

/* Collects what the judge reads: the stored messages, the journal of the clients, and the lines of the functions. Nothing here knows the product. */

/** Records what clients did and saw. Each operation gets a process of its own, so that operations may overlap, as in Jepsen's histories. */
export class Journal {
  readonly ops: ClientOp[] = [];
  #processes = 0;

  /** Records an operation: `ok` with the value that it resolves to, `info` when it rejects, because its effect is unknown then. */
  async record<Value>(
    f: ClientOp['f'],
    value: ClientOp['value'],
    run: () => Promise<Value>,
    seen?: (value: Value) => Partial<ClientOp['value']>,
  ): Promise<Value> {
    const process = this.#processes++;
    this.#note({ process, type: 'invoke', f, value });
    try {
      const result = await run();
      this.#note({ process, type: 'ok', f, value: { ...value, ...seen?.(result) } });
      return result;
    } catch (error) {
      this.#note({ process, type: 'info', f, value });
      throw error;
    }
  }

  /** Records requests that were acknowledged, for a test that keeps their ids only. */
  acknowledged(fn: string, ids: readonly string[], notBefore?: number): void {
    const process = this.#processes++;
    const value = { function: fn, ids, ...(notBefore === undefined ? {} : { notBefore }) };
    this.#note({ process, type: 'invoke', f: 'submit', value });
    this.#note({ process, type: 'ok', f: 'submit', value });
  }

  #note(op: Omit<ClientOp, 'time'>): void {
    this.ops.push({ ...op, time: Date.now() });
  }
}

/** How long the judge waits for the next message of a stream that holds further ones. */
const MESSAGE_WITHIN_MS = 60_000;
const BATCH = 1_000;

/** Judges what a server holds now, with what a test knows besides. Returns what did not hold. */
export async function judgeServer(servers: string, known: Omit<Evidence, 'log' | 'results'>): Promise<string[]> {
  return judge({ ...(await readStreams(servers)), ...known });
}

/** The result of an outcome is stored a moment after the outcome. */
const RESULTS_WITHIN_MS = 30_000;
const READ_AGAIN_AFTER_MS = 100;

/** Reads the log and the results of a server. Waits until every outcome of the log has a result, but not for ever. */
export async function readStreams(servers: string): Promise<Required<Pick<Evidence, 'log' | 'results'>>> {
  const connection = await connect({ servers });
  try {
    const log = await readStream(connection, 'INVOCATIONS');
    const deadline = performance.now() + RESULTS_WITHIN_MS;
    for (;;) {
      const results = await readStream(connection, 'RESULTS');
      const published = new Set(results.map(({ headers }) => headers['Request-Id'])).size;
      if (published >= countOutcomes(log) || performance.now() > deadline) return { log, results };
      await sleep(READ_AGAIN_AFTER_MS);
    }
  } finally {
    await connection.close();
  }
}

/** Outcomes of attempts and of members. A text of a payload cannot look like one, because its quotes are escaped there. */
function countOutcomes(log: readonly RawMessage[]): number {
  const outcomes = log.flatMap(({ subject, data }) =>
    subject.startsWith('invocation.') ? (data.match(/"type":"(?:succeeded|failed)"/g) ?? []) : [],
  );
  const batches = log.filter(({ headers }) => headers.Batch === 'opens').length;
  return outcomes.length - batches;
}

async function readStream(connection: NatsConnection, stream: string): Promise<RawMessage[]> {
  const manager = await connection.jetstreamManager();
  const { name } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    mem_storage: true,
    inactive_threshold: MESSAGE_WITHIN_MS * 1_000_000,
  });
  const consumer = await connection.jetstream().consumers.get(stream, name);
  let { num_pending: pending } = await consumer.info();
  const messages: RawMessage[] = [];
  while (pending > 0) {
    const expected = Math.min(BATCH, pending);
    const received = await consumer.fetch({ max_messages: expected, expires: MESSAGE_WITHIN_MS });
    for await (const message of received) messages.push(rawOf(message));
    const left = (await consumer.info()).num_pending;
    if (left === pending) throw new Error(`the stream ${stream} holds ${pending} further messages, and delivers none`);
    pending = left;
  }
  await manager.consumers.delete(stream, name);
  return messages;
}

function rawOf(message: JsMsg): RawMessage {
  // The types of the client hide the subject of the acknowledgement.
  const { seq: sequence, subject, headers, reply } = message as JsMsg & { readonly reply: string };
  const named: Record<string, string> = {};
  for (const key of headers?.keys() ?? []) named[key] = headers?.get(key) ?? '';
  return { sequence, at: timeIn(reply), subject, headers: named, data: message.string() };
}

/** Reads the lines that functions wrote: `<id> <attempt>`, with `+` or `-` before it for a start or an end, and `killed <pid>`. */
export function readExecutions(file: string): Execution[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const parts = line.split(' ');
      if (parts[0] === 'killed') return { kind: 'killed', pid: Number(parts[1]) };
      const [id = '', attempt] = parts.slice(-2);
      return { kind: parts[0] === '-' ? 'end' : 'start', id, attempt: Number(attempt) };
    });
}

/**
 * The time of a message in milliseconds, from the subject of its acknowledgement: the last number but one, or but two where a token follows.
 * As a number, the 19 digits of the nanoseconds are rounded, and one time of some 8,000 falls into the next millisecond.
 */
export function timeIn(reply: string): number {
  const nanoseconds = reply.split('.').findLast((token) => /^\d{19}$/.test(token)) ?? '';
  return Number(nanoseconds.slice(0, -6));
}
