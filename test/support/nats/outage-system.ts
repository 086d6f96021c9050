import type { StreamConfig } from 'nats';
import type { Fact } from '#machines/facts.ts';
import { MAX_CHAIN, MAX_HOPS } from '#src/core/functions/definition.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import { idAt } from '#src/core/names/ids.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import { type Logger, silentLogger } from '#src/core/ports/logger.ts';
import { startDestinations } from '#src/destinations/destinations.ts';
import { tryBounds } from '#src/destinations/function-deliverer.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createHttpTarget } from '#src/destinations/targets/http.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { createLastingHints } from '#src/nats/streams/queue/lasting-hints.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { startWorker } from '#src/worker/worker.ts';
import { connectionsOf } from '#test/support/destinations/deliveries.ts';
import type { Receiver } from '#test/support/destinations/receiver.ts';
import { appendId, newStream } from '#test/support/log/opened-log.ts';
import { type OpenedNats, openNats } from './opened-nats.ts';

/** How long this system repeats an append, a read or a result; 60 s in production. */
export const BUDGET_IN_MS = 1_000;
const LEASE_IN_MS = 500;
const PATIENCE_IN_MS = 400;
const BATCH = 4;
/** How long one execution takes. */
const EXECUTION_IN_MS = 40;

/** A worker, destinations and a scheduler in this process, each with a connection of its own, over a log that will fail. */
export interface OutageSystem extends AsyncDisposable, Pick<OpenedNats, 'ports'> {
  /** The warnings and errors that the roles logged. */
  readonly complaints: readonly string[];
  /** Accepts this number of batches of four requests. Resolves to the ids. */
  accept(batches: number): Promise<string[]>;
  /** Resolves when some invocations have ended, while hints for all streams are in flight. */
  underWay(): Promise<void>;
  allNotified(ids: readonly string[]): Promise<void>;
  limitLog(limits: Partial<StreamConfig>): Promise<void>;
  /** Lowers the limit of the log, so that only a few more messages fit. */
  fillLog(): Promise<void>;
}

export async function startOutageSystem(url: string, receiver: Receiver): Promise<OutageSystem> {
  const complaints: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (_, text) => void complaints.push(text),
    error: (_, text) => void complaints.push(text),
  };
  const roles = await Promise.all(Array.from({ length: 3 }, () => openNats(url, { leaseInMs: LEASE_IN_MS, budgetInMs: BUDGET_IN_MS })));
  const [forWork, forDeliveries, forTime] = roles as [OpenedNats, OpenedNats, OpenedNats];
  const observer = await openNats(url, { leaseInMs: LEASE_IN_MS });
  const { ports } = observer;
  const stop = new AbortController();
  const http = createHttpTarget({
    connections: connectionsOf({ http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } }),
    http: createVettedHttp(),
  });
  await createFunctionRegistry(ports.functions).put({
    name: 'orders',
    handler: { kind: 'inline' },
    concurrency: 64,
    policy: { maxRetries: 3, onSuccess: [{ destination: 'HTTP', param: { url: `${receiver.url}/hook` } }] },
  });
  const tenancy = { region: 'local', project: 'default' };
  const common = { tenancy, clock: systemClock, logger, appendId, maxHops: MAX_HOPS, maxChain: MAX_CHAIN };
  const functions = await openFunctionDirectory(forWork.ports.functions, { signal: stop.signal });
  const host = createInlineHost(new Map([['orders', () => systemClock.sleep(EXECUTION_IN_MS)]]));
  const destinations = startDestinations({
    ...common,
    ...forDeliveries.ports,
    ...tryBounds,
    name: `d-${appendId()}`,
    check: forDeliveries.ports.destinationCheck,
    targets: { HTTP: http },
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
  });
  const work = { ...common, ...forWork.ports, functions, findFunction: functions.ask, host, canRun: () => true };
  const worker = startWorker({ ...work, worker: `w-${appendId()}`, deliverer: destinations.deliverer });
  const scheduler = await startScheduler({
    ...common,
    ...forTime.ports,
    functions,
    findFunction: functions.ask,
    name: `s-${appendId()}`,
    hints: createLastingHints({ ...forTime.ports, signal: stop.signal }),
    deliveredUpTo: forTime.ports.queue.deliveredUpTo,
    patienceInMs: PATIENCE_IN_MS,
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
  });
  const accepted: { name: StreamName; sequence: number }[] = [];
  const notified = new Set<string>();
  const following = ports.log.followFully(
    1,
    (entry) => {
      if (entry.kind === 'append')
        for (const fact of entry.append.facts as Fact[]) if (fact.type === 'notified') notified.add(fact.invocation);
    },
    stop.signal,
  );

  function hintAtAll(round: number): void {
    for (const { name, sequence } of accepted) {
      ports.hints.wake(name, sequence, `${name.stream}.test.${round}`);
      ports.hints.deliver(name, sequence, `${name.stream}.test.${round}`);
    }
  }

  async function limitLog(limits: Partial<StreamConfig>): Promise<void> {
    const manager = await observer.connection.nats.jetstreamManager();
    await manager.streams.update(INVOCATIONS, limits);
  }

  return {
    ports,
    complaints,
    async accept(batches) {
      const ids: string[] = [];
      for (let batch = 0; batch < batches; batch++) {
        const name = newStream();
        const requests = Array.from({ length: BATCH }, () => ({ payload: '{}' }));
        const { sequence } = await ports.log.accept(name, requests);
        accepted.push({ name, sequence });
        ids.push(...requests.map((_, position) => idAt(name.stream, position)));
      }
      return ids;
    },
    async underWay() {
      while (notified.size < BATCH) await systemClock.sleep(5);
      for (let round = 0; round < 5; round++) {
        hintAtAll(round);
        await observer.connection.nats.flush();
      }
    },
    async allNotified(ids) {
      while (!ids.every((id) => notified.has(id))) await systemClock.sleep(20);
    },
    limitLog,
    async fillLog() {
      const manager = await observer.connection.nats.jetstreamManager();
      // The roles append meanwhile, and the server removes messages when the limit is below its present size.
      const { state } = await manager.streams.info(INVOCATIONS);
      await limitLog({ max_bytes: state.bytes + 16_384 });
    },
    async [Symbol.asyncDispose]() {
      await worker.stop(1_000);
      await destinations.stop();
      await scheduler.stop();
      stop.abort();
      await following;
      for (const opened of [...roles, observer]) await opened[Symbol.asyncDispose]();
    },
  };
}
