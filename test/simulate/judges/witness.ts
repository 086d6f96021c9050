import { type Flow, fifoOf } from '#src/core/functions/flow.ts';
import { rateOf } from '#src/core/functions/rate.ts';
import type { Append, EventLog, FullLogEntry } from '#src/core/log/event-log.ts';
import { encodeRequests, isDerivedRequest } from '#src/core/log/requests/request-messages.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { DeliveryRequest } from '#src/core/ports/destination-target.ts';
import type { Execution as Executed, ExecutionResult } from '#src/core/ports/function-host.ts';
import type { Evidence, Execution, Expected, RawMessage, Try } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { scheduleNames } from '#test/simulate/load/functions.ts';
import type { Process } from '#test/simulate/world/process.ts';
import type { Flows } from './slots.ts';

/** The clocks of two processes may differ by so much. */
const CLOCKS_DIFFER_BY_MS = 1_000;

type Message = Omit<RawMessage, 'sequence' | 'at'>;
/** `accepted`: the requests that the log acknowledged to the client, as `<function>/<id>`. `cuts`: when the log lost messages. */
type Seen = { accepted: ReadonlyMap<string, unknown>; cuts: readonly unknown[] };

/**
 * Writes down what an outsider sees of a world, in the form that `src/judge/` reads: the messages of the log as a server stores them, the results, which
 * requests the log acknowledged, and the executions. The judge of the world then shares no code with the product.
 */
export class Witness {
  readonly #requests = new Map<number, Message>();
  readonly #results: RawMessage[] = [];
  readonly #executions: Execution[] = [];
  readonly #tries: Try[] = [];

  /** The same log. The messages of its requests are written down. */
  watch(server: MemoryLog): MemoryLog {
    const accept: EventLog['accept'] = async (name, requests) => {
      const accepted = await server.accept(name, requests);
      if (accepted.isRepeated) return accepted;
      const { payload, headers } = encodeRequests(name.stream, requests);
      const subject = requests.some(isDerivedRequest) ? subjects.derived(name.function) : subjects.invoke(name.function);
      this.#requests.set(accepted.sequence, { subject, headers: Object.fromEntries(headers), data: payload });
      return accepted;
    };
    return Object.create(server, { accept: { value: accept } }) as MemoryLog;
  }

  published(name: FunctionName, id: string, outcome: 'succeeded' | 'failed', envelope: string): void {
    const message = { subject: subjects.result(name, outcome), headers: { 'Request-Id': id }, data: envelope };
    this.#results.push({ sequence: this.#results.length + 1, at: 0, ...message });
  }

  /** An execution begins. It ends at the latest when its process dies. */
  executed(process: Process, execution: Executed): void {
    const events = execution.events?.map(({ requestId }) => requestId);
    this.#executions.push({ kind: 'start', ...lineOf(execution), at: process.engine.now, ...(events === undefined ? {} : { events }) });
    process.death.addEventListener('abort', () => this.returned(execution), { once: true });
  }

  /** An execution ended, with a result unless its process died. */
  returned(execution: Executed, result?: ExecutionResult): void {
    this.#executions.push({ kind: 'end', ...lineOf(execution), ...(result?.kind === 'returned' ? { payload: result.payload } : {}) });
  }

  /** A receiver saw a try of a delivery. */
  tried({ functionName, requestId, destination, try: number }: DeliveryRequest): void {
    this.#tries.push({ fn: functionName, id: requestId, destination: destination.id, try: number });
  }

  /** What did not hold, when the world is over. */
  judge(...ended: readonly [entries: readonly FullLogEntry[], seen: Seen, flows: Flows]): string[] {
    return judge(this.#evidence(...ended));
  }

  #evidence(entries: readonly FullLogEntry[], { accepted, cuts }: Seen, flows: Flows): Evidence {
    const told = Array.from(accepted.keys(), (key) => key.split('/') as [string, string]);
    return {
      log: entries.flatMap((entry) => this.#messageOf(entry)),
      results: this.#results,
      client: [
        ...told.map(([fn, id]) => ({ process: 0, type: 'ok', f: 'submit', time: 0, value: { function: fn, ids: [id] } }) as const),
        // Of a request without an acknowledgement nothing is known.
        { process: 0, type: 'info', f: 'submit', time: 0, value: { function: '' } },
      ],
      expected: Object.fromEntries(Object.entries(flows).map(([name, flow]) => [name, expectedOf(flow)])),
      isOver: true,
      // An attempt whose start is lost may be executed again.
      ...(cuts.length === 0
        ? { executions: this.#executions, tries: this.#tries, schedules: scheduleNames }
        : { isLossy: true, cuts: cuts.length }),
    };
  }

  #messageOf(entry: FullLogEntry): RawMessage[] {
    const { sequence, at } = entry;
    if (entry.kind === 'append') {
      const { version: _version, hash: _hash, ...append } = entry.append;
      return [{ sequence, at, subject: subjects.invocation(entry.name), headers: {}, data: JSON.stringify(append satisfies Append) }];
    }
    const request = entry.kind === 'request' ? this.#requests.get(sequence) : undefined;
    return request === undefined ? [] : [{ sequence, at, ...request }];
  }
}

function lineOf({ definition, requestId, attempt }: Executed): { fn: string; id: string; attempt: number } {
  return { fn: definition.name, id: requestId, attempt };
}

/** What the limits of a flow promise of one function alone. A pool has attempts of other functions too. */
function expectedOf({ concurrency, key, pool, rate, debounce, ...flow }: Flow): Expected {
  const order = fifoOf(flow);
  return {
    ...(concurrency === undefined || pool !== undefined ? {} : { limit: concurrency }),
    ...(key === undefined ? {} : { key: key.slice('$.'.length) }),
    ...(order === undefined ? {} : { isFifo: true, passesFailed: order === 'pass' }),
    ...(debounce === undefined ? {} : { isDebounced: true }),
    ...(rate === undefined ? {} : { rate: { ...rateOf(rate), toleranceInMs: CLOCKS_DIFFER_BY_MS } }),
  };
}
