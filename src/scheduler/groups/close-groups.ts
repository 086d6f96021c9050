import type { Fact, FactOf } from '#machines/facts.ts';
import { messageOf } from '#src/core/errors.ts';
import { firstGroup, inGroupOrder } from '#src/core/flow/debounce-groups.ts';
import { indexOf } from '#src/core/flow/stream-waits.ts';
import { type Debounce, debounceOf } from '#src/core/functions/debounce.ts';
import { leastOf } from '#src/core/least-and-greatest.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import type { DebouncedKey, Leader, WaitingRequest } from './debounced-requests.ts';

/** The pause before a key is looked at again, for which the log or its workers are late. */
const AGAIN_AFTER_MS = 50;
/** A definition may have changed. */
const CHECK_EVERY_MS = 1_000;
const PAUSED_AGAIN_AFTER_MS = 1_000;
/** How many members of an ended leader join at once. */
const JOINS_AT_ONCE = 16;

type Options = Pick<SchedulerOptions, 'functions' | 'hints' | 'clock' | 'log' | 'logger' | 'patienceInMs' | 'appendId' | 'name'>;

/**
 * Closes the groups of debounced requests.
 *
 * - (DEB1) A debounced request starts no attempt before its stream says that it leads its group.
 * - (DEB2) A group is decided by the times of the log, when the log is read beyond the end of the group and every earlier request of the function
 *   has its place. The append to the stream of the leader decides: it names the members.
 * - (DEB3) A request is a member when its own stream says so, of one leader. It ends with the outcome of that leader, and with no other.
 * - Before a group closes, the streams of all leaders of the key are read: their members are in no further group.
 * - The worker of the leader lets the members join. A member that still waits after the patience joins here.
 *
 * Several schedulers may do the same: one append to the stream of a request gives it its part.
 */
export class GroupCloser {
  readonly #options: Options;
  readonly #open: () => OpenStreams;
  readonly #inProgress = new Set<Promise<void>>();
  /** The last message of the log at a moment. What is read beyond it is of that moment or later. */
  #known: { askedAt: number; last: number } | undefined;
  #isAsking = false;

  constructor(options: Options, open: () => OpenStreams) {
    this.#options = options;
    this.#open = open;
  }

  /** When a key is looked at next; infinite when nothing is debounced. */
  get nextDueAt(): number {
    return this.#open().debounced.nextDueAt;
  }

  checkDue(now: number): void {
    const { debounced } = this.#open();
    for (let key = debounced.takeDue(now); key !== undefined; key = debounced.takeDue(now)) {
      // The look that is in progress has the key looked at again when it ends.
      if (key.isBusy || !debounced.prune(key)) continue;
      const lookAt = Math.min(this.#nextCheckOf(key, now), now + CHECK_EVERY_MS);
      if (lookAt <= now) this.#start(key, now);
      else debounced.checkAgain(key, lookAt);
    }
  }

  /** Resolves when nothing is in progress. */
  async stop(): Promise<void> {
    await Promise.all(this.#inProgress);
  }

  #nextCheckOf(key: DebouncedKey, now: number): number {
    if (key.requests.size === 0) return Number.POSITIVE_INFINITY;
    const debounce = this.#debounceOf(key.function);
    if (typeof debounce !== 'object' || [...key.leaders.values()].some(({ members }) => members === undefined)) return now;
    return Math.min(firstGroup(undecided(key), debounce).closesAt, leastOf(this.#late(key).map(({ at }) => at)));
  }

  #start(key: DebouncedKey, now: number): void {
    key.isBusy = true;
    const treating = this.#checkKey(key, now)
      .catch((error: unknown) => {
        this.#options.logger[levelOf(error)](
          { function: key.function, error: messageOf(error) },
          'a group of debounced requests could not be closed',
        );
        return now + this.#options.patienceInMs;
      })
      .then((lookAt) => {
        key.isBusy = false;
        this.#open().debounced.checkAgain(key, lookAt);
        this.#inProgress.delete(treating);
      });
    this.#inProgress.add(treating);
  }

  /** Does what is due for a key. Resolves to the time of the next look; `undefined` when that follows from what is known then. */
  async #checkKey(key: DebouncedKey, now: number): Promise<number | undefined> {
    for (const leader of key.leaders.values()) if (leader.members === undefined) await this.#read(leader);
    const late = this.#late(key).filter(({ at }) => at <= now);
    for (let index = 0; index < late.length; index += JOINS_AT_ONCE)
      await Promise.all(late.slice(index, index + JOINS_AT_ONCE).map(({ request, leader }) => this.#join(key, request, leader)));
    const debounce = this.#debounceOf(key.function);
    if (debounce === 'paused') return now + PAUSED_AGAIN_AFTER_MS;
    if (debounce === 'none') return this.#wakeAll(key, now);
    const { members, closesAt } = firstGroup(undecided(key), debounce);
    if (closesAt > now) return undefined;
    if (this.#open().unsorted.firstTimeOf(key.function) < closesAt || !this.#isReadBeyond(closesAt)) return now + AGAIN_AFTER_MS;
    await this.#close(key, members, { debounce, closesAt });
    return undefined;
  }

  #debounceOf(name: FunctionName): Debounce | 'paused' | 'none' {
    const definition = this.#options.functions.get(name)?.definition;
    // A missing function may be put again. Its requests end by their inspection.
    if (definition === undefined || definition.paused) return 'paused';
    return definition.flow?.debounce === undefined ? 'none' : debounceOf(definition.flow.debounce);
  }

  /** The function is debounced no more. The woken workers let each request lead a group of its own. */
  #wakeAll(key: DebouncedKey, now: number): number {
    const { hints, patienceInMs } = this.#options;
    for (const { name, request, invocation } of undecided(key))
      hints.wake(name, request, `${name.stream}.${request}.alone-${indexOf(invocation)}-${Math.floor(now / patienceInMs)}`);
    return now + patienceInMs;
  }

  /** Whether the log is read up to what was its last message at a time, or later. */
  #isReadBeyond(at: number): boolean {
    if (this.#known !== undefined && this.#known.askedAt >= at) return this.#open().next > this.#known.last;
    if (this.#isAsking) return false;
    this.#isAsking = true;
    const askedAt = this.#options.clock.now();
    void this.#options.log
      .lastSequence()
      .then(
        (last) => {
          this.#known = { askedAt, last };
        },
        () => {},
      )
      .finally(() => {
        this.#isAsking = false;
      });
    return false;
  }

  async #close(
    key: DebouncedKey,
    group: readonly WaitingRequest[],
    { debounce, closesAt }: { debounce: Debounce; closesAt: number },
  ): Promise<void> {
    const newest = group.at(-1);
    if (newest === undefined) return;
    const { hints, clock } = this.#options;
    const writer = await this.#writerOf(newest);
    const members = group.slice(0, -1).map(({ invocation, request }) => ({ invocation, request }));
    const closed: FactOf<'debounce.closed'> = {
      ...{ type: 'debounce.closed', invocation: newest.invocation, at: clock.now(), keep: debounce.keep },
      ...{ dueAt: closesAt, members },
    };
    await this.#propose(writer, closed);
    // Another scheduler may have closed its group, with other members.
    const found = writer?.state.invocations.get(newest.invocation);
    // It ended, or is a member of another group. The log says so soon.
    if (found === undefined || found.context.waitsFor === null) key.requests.delete(newest.invocation);
    const known = found?.context.group?.members;
    if (writer === undefined || known === undefined) return;
    const { name, request, invocation } = newest;
    key.leaders.set(invocation, { name, request, invocation, members: idsOf(known), knownAt: clock.now() });
    hints.wake(name, request, `${name.stream}.${writer.state.version}.closed-${newest.index}`);
  }

  async #read(leader: Leader): Promise<void> {
    const { name, request, invocation } = leader;
    const found = (await loadStream(this.#options.log, name, request))?.invocations.get(invocation);
    leader.members = idsOf(found?.context.group?.members ?? []);
    leader.knownAt = this.#options.clock.now();
  }

  async #join(key: DebouncedKey, { name, request, invocation, index }: WaitingRequest, leader: Leader): Promise<void> {
    const { hints, clock, log } = this.#options;
    const led = (await loadStream(log, leader.name, leader.request))?.invocations.get(leader.invocation);
    const { keep } = led?.context.group ?? {};
    const writer = await this.#writerOf({ name, request });
    if (writer === undefined || keep === undefined) return;
    const named = { invocation: leader.invocation, request: leader.request };
    key.requests.delete(invocation);
    await this.#propose(writer, { type: 'debounce.joined', invocation, at: clock.now(), keep, leader: named });
    hints.wake(name, request, `${name.stream}.${writer.state.version}.joined-${index}`);
  }

  async #writerOf({ name, request }: Pick<WaitingRequest, 'name' | 'request'>): Promise<StreamWriter | undefined> {
    const { log, name: by, appendId, clock } = this.#options;
    const state = await loadStream(log, name, request);
    return state === undefined ? undefined : new StreamWriter({ log, state, by, appendId, clock });
  }

  async #propose(writer: StreamWriter | undefined, fact: Fact): Promise<void> {
    await writer?.propose(fact.invocation, [fact]);
  }

  /** The members of closed groups that still wait, and when they join here. */
  #late(key: DebouncedKey): { request: WaitingRequest; leader: Leader; at: number }[] {
    return [...key.leaders.values()].flatMap((leader) =>
      [...(leader.members ?? [])].flatMap((member) => {
        const request = key.requests.get(member);
        return request === undefined ? [] : [{ request, leader, at: leader.knownAt + this.#options.patienceInMs }];
      }),
    );
  }
}

function idsOf(members: readonly { invocation: string }[]): ReadonlySet<string> {
  return new Set(members.map(({ invocation }) => invocation));
}

/** The requests that are in no closed group, in their order. */
function undecided({ requests, leaders }: DebouncedKey): WaitingRequest[] {
  const lists = [...leaders.values()].map(({ members }) => members);
  const waiting = [...requests.values()].filter(({ invocation }) => !lists.some((members) => members?.has(invocation)));
  return inGroupOrder(waiting);
}
