import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, ErrorCode, type JetStreamClient, type JetStreamManager, type JsMsg, NatsError } from 'nats';
import type { ClientOp, Evidence, Execution, RawMessage } from './evidence.ts';

/* Collects what the judge reads: the stored messages, the journal of the clients, and the lines of the functions. Nothing here knows the product. */

type Recording<Value> = {
  /** What the client saw, of what the operation resolved to. */
  seen?: (value: Value) => Partial<ClientOp['value']>;
  isRefusal?: (error: unknown) => boolean;
};

/** Records what clients did and saw. Each operation gets a process of its own, so that operations may overlap, as in Jepsen's histories. */
export class Journal {
  readonly ops: ClientOp[] = [];
  #processes = 0;

  /**
   * Records an operation: `ok` with the value that it resolves to, `info` when it rejects, because its effect is unknown then; `fail` for an
   * error that says that nothing happened.
   */
  async record<Value>(
    f: ClientOp['f'],
    value: ClientOp['value'],
    run: () => Promise<Value>,
    { seen, isRefusal = () => false }: Recording<Value> = {},
  ): Promise<Value> {
    const process = this.#processes++;
    this.#note({ process, type: 'invoke', f, value });
    try {
      const result = await run();
      this.#note({ process, type: 'ok', f, value: { ...value, ...seen?.(result) } });
      return result;
    } catch (error) {
      this.#note({ process, type: isRefusal(error) ? 'fail' : 'info', f, value });
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

/** How long the judge waits for an answer, and for the next message of a stream that holds further ones. */
export const MESSAGE_WITHIN_MS = 60_000;
const BATCH = 1_000;
/** The server removes a consumer that nobody pulls from. A user may lack the permission to remove it. */
const INACTIVE_FOR_MS = 10_000;

/** The result of an outcome is stored a moment after the outcome. */
const RESULTS_WITHIN_MS = 30_000;
const READ_AGAIN_AFTER_MS = 250;

/** How the streams of a server are read: by the API of JetStream, as the NATS client has it. */
type Source = { readonly manager: JetStreamManager; readonly jetstream: JetStreamClient };
export type Read = Required<Pick<Evidence, 'log' | 'results'>>;

/** Only these functions, and only what the log stored behind this sequence. */
export type Part = { functions: readonly string[]; behind: number };

/**
 * Reads the log and the results, or a part of them. Waits until the results are complete, by default until every outcome of the log has one,
 * but not for ever.
 */
export async function readSource(source: Source, part?: Part, isComplete: (read: Read) => boolean = hasEachResult): Promise<Read> {
  const log = await readLog(source, part);
  const deadline = performance.now() + RESULTS_WITHIN_MS;
  for (;;) {
    const results = await readStream(source, 'RESULTS', { subjects: part?.functions.map((name) => `result.${name}.*`) });
    if (isComplete({ log, results }) || performance.now() > deadline) return { log, results };
    await sleep(READ_AGAIN_AFTER_MS);
  }
}

function hasEachResult({ log, results }: Read): boolean {
  return new Set(results.map(({ headers }) => headers['Request-Id'])).size >= countOutcomes(log);
}

/** Reads the log. Throws when the server that answered is behind the leader, or messages were lost on their way. */
export async function readLog(source: Source, part?: Part): Promise<RawMessage[]> {
  const subjects = part?.functions.flatMap((name) => [`invoke.${name}`, `derived.${name}`, `invocation.${name}.>`]);
  let newest = 0;
  for (const subject of subjects ?? ['>']) newest = Math.max(newest, await askAgain(() => lastSequence(source, subject)));
  const log = await readStream(source, 'INVOCATIONS', { subjects, from: (part?.behind ?? 0) + 1 });
  const last = log.at(-1)?.sequence ?? 0;
  if (newest > (part?.behind ?? 0) && last < newest) throw new Error(`the log was read up to ${last}, and its leader has ${newest}`);
  return log;
}

/** The sequence of the newest message of a subject, as the leader of the stream knows it. */
async function lastSequence({ manager }: Source, subject: string): Promise<number> {
  try {
    return (await manager.streams.getMessage('INVOCATIONS', { last_by_subj: subject })).seq;
  } catch (error) {
    const { api_error: refusal } = error as { api_error?: { err_code: number } };
    if (refusal?.err_code === NO_MESSAGE) return 0;
    throw error;
  }
}

/** The error of nats-server for a subject without messages. */
const NO_MESSAGE = 10_037;

/** Outcomes of attempts and of members. A text of a payload cannot look like one, because its quotes are escaped there. */
function countOutcomes(log: readonly RawMessage[]): number {
  const outcomes = log.flatMap(({ subject, data }) =>
    subject.startsWith('invocation.') ? (data.match(/"type":"(?:succeeded|failed)"/g) ?? []) : [],
  );
  const batches = log.filter(({ headers }) => headers.Batch === 'opens').length;
  return outcomes.length - batches;
}

type Section = { subjects?: readonly string[] | undefined; from?: number };

/** Asks again while no server answers, because a cluster elects a leader. The question changes nothing. */
async function askAgain<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const deadline = performance.now() + MESSAGE_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isElecting = error instanceof NatsError && error.code === ErrorCode.NoResponders;
      if (!isElecting || performance.now() > deadline) throw error;
      await sleep(READ_AGAIN_AFTER_MS);
    }
  }
}

const readStream = (source: Source, stream: string, section: Section = {}): Promise<RawMessage[]> =>
  askAgain(() => readOnce(source, stream, section));

/** Needs the permission to create a consumer and to pull from it, and no other one. */
async function readOnce({ manager, jetstream }: Source, stream: string, { subjects, from }: Section): Promise<RawMessage[]> {
  const created = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    ...(from === undefined ? { deliver_policy: DeliverPolicy.All } : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from }),
    ...(subjects === undefined ? {} : { filter_subjects: [...subjects] }),
    mem_storage: true,
    inactive_threshold: INACTIVE_FOR_MS * 1_000_000,
  });
  const consumer = jetstream.consumers.getPullConsumerFor(created);
  const messages: RawMessage[] = [];
  for (let pending = created.num_pending; pending > 0; ) {
    const before = messages.length;
    const received = await consumer.fetch({ max_messages: Math.min(BATCH, pending), expires: MESSAGE_WITHIN_MS });
    for await (const message of received) {
      messages.push(rawOf(message));
      // Nobody acknowledges these messages, so the server sends none of them again.
      if (message.info.deliverySequence !== messages.length) throw new Error(`messages of the stream ${stream} were lost on their way`);
      pending = message.info.pending;
    }
    if (messages.length === before) throw new Error(`the stream ${stream} holds ${pending} further messages, and delivers none`);
  }
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
