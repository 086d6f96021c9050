import { fnv1a } from '#machines/fnv.ts';
import { createBatches } from '#src/client/invoke/batches.ts';
import { createRequests } from '#src/client/invoke/requests.ts';
import { createCancel } from '#src/client/repair/cancel.ts';
import { createRepair } from '#src/client/repair/repair.ts';
import { SequentError } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { idAt } from '#src/core/names/ids.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Faults } from '#test/simulate/faults.ts';
import type { Ledger } from '#test/simulate/judges/ledger.ts';
import { keyOf } from '#test/simulate/judges/life.ts';
import { isCalm, type Plan } from '#test/simulate/plan.ts';
import { type Chance, createChance, type Engine } from '../world/engine.ts';
import type { Process } from '../world/process.ts';
import type { Servers } from '../world/servers.ts';
import { sendBatch } from './batches.ts';
import { functionNames } from './functions.ts';
import { namesOfTurns, sendAtRemovals } from './turns.ts';

/** How long the execution of a function takes that becomes idle and busy in turns. */
const TURN_TAKES_MS = 10;
const BATCHES = 4;
/** Schedules fire, and batches begin, for so long. */
const SCHEDULED_FOR_MS = 40_000;

type WorkloadOptions = { engine: Engine; faults: Faults; client: Process; servers: Servers };

/**
 * Sends the requests of a world through the real client: singles and batches, delayed ones, requests with an id of their own and their
 * repetitions, requests for no function, cancellations, redrives, and in some worlds batches.
 */
export function createWorkload(plan: Plan, { engine, faults, client, servers }: WorkloadOptions): { isDone(): boolean } {
  const { functions } = servers;
  const actions = createActions(client, servers);
  const without = new Set(plan.withoutRequests);
  const turning = plan.turns === undefined ? undefined : namesOfTurns(plan.turns);
  let unfinished = 0;
  let at = 500;
  for (let number = 0; number < plan.invocations; number++) {
    const chance = createChance(Math.imul(plan.seed + 1, 7_919) + number);
    at += chance.between(0, 2 * plan.requestEveryMs);
    if (without.has(number)) continue;
    unfinished++;
    engine.after(at, `request ${number}`, () => {
      void perform(number, chance)
        .catch(isExpected)
        .finally(() => unfinished--);
      if (faults.strike('policy-change', `request ${number}`)) void functions.change(chance);
    });
  }

  if (plan.hasSchedules) {
    unfinished++;
    void functions.startSchedules();
    engine.after(SCHEDULED_FOR_MS, 'the schedules end', () => void functions.endSchedules().finally(() => unfinished--));
  }

  for (let number = 0; plan.hasBatches && number < BATCHES; number++) {
    const chance = createChance(Math.imul(plan.seed + 1, 104_729) + number);
    unfinished++;
    engine.after(chance.between(0, SCHEDULED_FOR_MS), `batch ${number}`, () => {
      const name = chance.pick(functionNames) as string as FunctionName;
      void sendBatch({ client, ...actions }, { id: `batch-${number}`, name, chance }).finally(() => unfinished--);
    });
  }

  async function perform(number: number, chance: Chance): Promise<void> {
    if (turning !== undefined) return await sendTo(turning[chance.between(0, turning.length - 1)] ?? '', `request ${number}`);
    const name = chance.pick(functionNames) as string as FunctionName;
    const kind = chance.between(1, 100);
    const payload = JSON.stringify({
      number,
      customer: number % 3,
      does: kind === 1 && !isCalm(plan) ? 'kills-its-worker' : 'what its id says',
    });
    if (kind === 2) await actions.requests.send('nothing' as FunctionName, { payload });
    else if (kind === 3) await actions.requests.send(name, { payload: 'this is not JSON' });
    else if (kind <= 20) await sendOwn(name, payload, { id: `own-${number}`, chance });
    else await sendAndInterfere(name, payload, { kind, chance });
  }

  async function sendAndInterfere(name: FunctionName, payload: string, { kind, chance }: { kind: number; chance: Chance }): Promise<void> {
    const priority = plan.hasPriorities ? { priority: (fnv1a(payload) >>> 0) % 10 } : {};
    const id = await actions.requests.send(name, { payload, ...delayOf(kind, chance), ...priority });
    if (kind <= 28) await later(cancelsAfter(chance), () => actions.cancel(id, { recursive: chance.happens(0.5) }));
    if (kind > 95) await later(chance.between(1_000, 60_000), () => actions.repair.redeliver(id));
  }

  async function sendOwn(name: FunctionName, payload: string, { id, chance }: { id: string; chance: Chance }): Promise<void> {
    const isRepeated = chance.happens(0.5) && !isCalm(plan);
    await actions.requests.sendOnce(name, { id, payload });
    // Two functions may be invoked with one id (ID1).
    const other = chance.pick(functionNames) as string as FunctionName;
    if (other !== name) {
      await actions.requests.sendOnce(other, { id, payload });
    }
    if (!isRepeated) return;
    // Two workers hold items of one stream when a repetition follows at once, and a debounced request still waits for its group.
    const withinMs = chance.pick([5, 200, 10_000, 200_000]);
    await later(engine.chance.between(0, withinMs), () => actions.requests.send(name, { id, payload }));
  }

  async function later(ms: number, action: () => Promise<unknown>): Promise<void> {
    await client.clock.sleep(ms);
    await action();
  }

  async function sendTo(name: string, what: string): Promise<void> {
    await actions.requests.send(name as FunctionName, { payload: JSON.stringify({ number: what, takes: TURN_TAKES_MS }) });
  }

  if (turning !== undefined) {
    let races = 0;
    const end = sendAtRemovals(servers, plan.seed, (name) => {
      unfinished++;
      void sendTo(name, `race ${races++}`)
        .catch(isExpected)
        .finally(() => unfinished--);
    });
    engine.after(at, 'the races end', end);
  }

  return { isDone: () => unfinished === 0 };
}

/** An eighth of the requests is delayed: some by a short time, so that they are due before or while a worker is offered them. */
function delayOf(kind: number, chance: Chance): { delay?: number } {
  if (kind < 25 || kind > 37) return {};
  return { delay: chance.happens(0.3) ? chance.between(1, 60) : chance.between(100, 90_000) };
}

/** Half of the cancellations race with the end of the first attempt. */
function cancelsAfter(chance: Chance): number {
  return chance.happens(0.5) ? chance.between(0, 25) : chance.between(0, 3_000);
}

/** What a process does through the real client. */
export function createActions(client: Process, servers: Servers) {
  const log = recordAccepted(servers.logOf(client), servers.ledger);
  const { cancellations, openRequests } = servers.answersOf(client);
  let count = 0;
  const options = {
    log,
    hints: servers.hintsOf(client),
    clock: client.clock,
    by: client.name,
    appendId: () => `${client.name}-${count++}`,
    cancellations,
    findQueued: openRequests.find,
    functions: servers.functions.registry,
  };
  const random = {
    bytes(size: number): Uint8Array {
      const bytes = Buffer.alloc(size);
      bytes.writeUInt32BE(++count, size - 5);
      return bytes;
    },
  };
  return {
    batches: createBatches({ ...options, check: servers.functions.registry.checkDestinations }),
    requests: createRequests({ log, clock: client.clock, random, maxBatch: () => 4 }),
    cancel: createCancel(options).cancel,
    repair: createRepair(options),
  };
}

/** Tells the ledger which requests the log acknowledged to the client (SRC1). */
function recordAccepted(log: EventLog, ledger: Ledger): EventLog {
  return {
    ...log,
    async accept(name, requests) {
      const accepted = await log.accept(name, requests);
      for (const [index, { id }] of requests.entries())
        ledger.accepted.set(keyOf(name.function, id ?? idAt(name.stream, index)), accepted.sequence);
      return accepted;
    },
  };
}

/** The client learns of refusals and of unknown outcomes as errors of Sequent. Anything else is a defect. */
function isExpected(error: unknown): void {
  if (!(error instanceof SequentError)) throw error;
}
