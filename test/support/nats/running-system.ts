import { headers } from 'nats';
import { MAX_CHAIN, MAX_HOPS } from '#src/core/functions/definition.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import { type Logger, silentLogger } from '#src/core/ports/logger.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry, type FunctionRegistry } from '#src/functions/registry.ts';
import { eventsLayer, surroundHost } from '#src/hosts/around/layers.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import type { Connection, NatsOptions } from '#src/nats/transport/connection/connection.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { startWorker } from '#src/worker/worker.ts';
import { appendId } from '#test/support/log/opened-log.ts';
import { type OpenedNats, openNats } from './opened-nats.ts';

type Handlers = Parameters<typeof createInlineHost>[0];
type Result = { subject: string; requestId: string; envelope: Envelope };

/** A worker and a scheduler in this process, on a real server, and a subscriber to the results. */
export interface RunningSystem extends AsyncDisposable, Pick<OpenedNats, 'connection' | 'ports'> {
  readonly registry: FunctionRegistry;
  readonly worker: string;
  readonly results: readonly Result[];
  readonly complaints: readonly string[];
  /** Publishes to `invoke.<token>` as any client does. Resolves when the message is durable. */
  publish(token: string, data: string | Uint8Array, headers?: Readonly<Record<string, string>>): Promise<number>;
  /** Waits for the result of the request at a sequence. */
  resultOf(sequence: number): Promise<Result>;
  resultFor(requestId: string): Promise<Result>;
  /** Waits until every invocation is `notified`, as far as the scheduler knows. */
  settled(): Promise<void>;
}

export async function startSystem(address: string | NatsOptions, handlers: Handlers, patienceInMs = 400): Promise<RunningSystem> {
  const opened = await openNats(address);
  const { connection, ports } = opened;
  // The worker may end requests at once that the log holds already.
  const results = hearResults(connection);
  await connection.nats.flush();
  const complaints: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (facts, text) => void complaints.push(`${text} ${JSON.stringify(facts)}`) };
  const registry = createFunctionRegistry(ports.functions);
  for (const name of handlers.keys()) await registry.put({ name, handler: { kind: 'inline' } });
  const stop = new AbortController();
  const functions = await openFunctionDirectory(ports.functions, { signal: stop.signal });
  const tenancy = { region: 'local', project: 'default' };
  const common = { ...ports, tenancy, logger, functions, findFunction: functions.ask, appendId };
  const name = `w-${appendId()}`;
  const host = surroundHost(createInlineHost(handlers), [eventsLayer]);
  const worker = startWorker({ ...common, worker: name, host, maxHops: MAX_HOPS, maxChain: MAX_CHAIN, canRun: () => true });
  const scheduler = await startScheduler({
    ...common,
    name: `s-${name}`,
    deliveredUpTo: ports.queue.deliveredUpTo,
    patienceInMs,
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
  });

  return {
    connection,
    ports,
    registry,
    worker: name,
    results: results.heard,
    complaints,
    async publish(token, data, given = {}) {
      const found = headers();
      for (const [key, value] of Object.entries(given)) found.append(key, value);
      return (await connection.nats.jetstream().publish(`invoke.${token}`, data, { headers: found })).seq;
    },
    async resultOf(sequence) {
      const message = await ports.log.readRequest(sequence);
      const id = message?.requests[0]?.fact.invocation;
      return await results.waitFor((result) => result.requestId === id);
    },
    resultFor: (id) => results.waitFor(({ requestId }) => requestId === id),
    async settled() {
      const last = await ports.log.lastSequence();
      while (scheduler.open.size > 0 || scheduler.open.floor <= last) await systemClock.sleep(5);
    },
    async [Symbol.asyncDispose]() {
      await worker.stop(1_000);
      await scheduler.stop();
      stop.abort();
      await opened[Symbol.asyncDispose]();
    },
  };
}

function hearResults({ nats }: Connection): { heard: Result[]; waitFor(isIt: (result: Result) => boolean): Promise<Result> } {
  const heard: Result[] = [];
  const waiting = new Set<(result: Result) => void>();
  nats.subscribe('result.*.*', {
    callback: (_, message) => {
      const requestId = message.headers?.get('Request-Id') ?? '';
      const result = { subject: message.subject, requestId, envelope: message.json<Envelope>() };
      heard.push(result);
      for (const notify of waiting) notify(result);
    },
  });
  return {
    heard,
    async waitFor(isIt) {
      const found = heard.find(isIt);
      if (found !== undefined) return found;
      return await new Promise((resolve) => {
        const notify = (result: Result): void => {
          if (!isIt(result)) return;
          waiting.delete(notify);
          resolve(result);
        };
        waiting.add(notify);
      });
    },
  };
}
