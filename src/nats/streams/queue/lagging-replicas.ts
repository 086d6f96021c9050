import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { isAtLeast } from '#src/nats/transport/server-version.ts';
import { findConsumer } from '#src/nats/transport/streams/consumers.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';

/*
 * Moves consumers away from a server whose replica of the log stays behind (CONS6).
 *
 * A consumer delivers from the replica of the server that leads the consumer. While that replica is behind, the consumer delivers nothing new
 * and still sends heartbeats, so the pull requests of a process notice nothing.
 *
 * 1. The leader of the log says which replicas are behind. A replica is lagging when it was behind at three looks in a row, and came no nearer
 *    between them. Another leader, or a look without an answer, begins a new row.
 * 2. A process asks for the leaders of the consumers alone that it pulls from, and asks a consumer to step down only if its leader is the
 *    lagging server.
 * 3. A step-down names a server whose replica is up to date, from nats-server 2.11 on. An older server chooses the next leader itself.
 * 4. A look asks for at most `MAX_ASKED` leaders and moves at most `MAX_MOVED` consumers, and a process moves a consumer at most once within
 *    `MOVE_AGAIN_AFTER_MS`.
 * 5. A log with one replica is asked once a minute whether it has more.
 */

/** A replica of the log, as the leader of the log sees it. */
export type Follower = { name: string; lag: number; isCurrent: boolean; isOffline: boolean };

/** The log, as its leader sees it. `lag` counts messages, or groups of messages that the leader sent together. */
export type ReplicatedLog = { leader: string; lastSequence: number; followers: readonly Follower[] };

/** What the servers know of the log and of its consumers. */
export interface LogReplicas {
  read(): Promise<ReplicatedLog>;
  /** The server that leads a consumer; `undefined` without a leader, or without the consumer. */
  leaderOf(consumer: string): Promise<string | undefined>;
  /** Resolves when the leader of the consumer has stepped down in favour of a server, or throws. */
  stepDown(consumer: string, preferred: string): Promise<void>;
}

/** Moves consumers until the last one of them has ended. */
export interface LaggingReplicas {
  /** Adds a consumer that this process pulls from. The returned function ends that. */
  add(consumer: string): () => void;
}

export type LaggingReplicasOptions = { replicas: LogReplicas; clock: Clock; onProblem: (problem: string) => void };

export const LOOK_EVERY_MS = 5_000;
const LOOK_AT_SOLE_EVERY_MS = 60_000;
const LOOKS_UNTIL_LAGGING = 3;
/** A healthy replica of a busy log lacks messages too, but fewer than these. */
const BUSY_LAG = 1_000;
export const MAX_ASKED = 256;
export const MAX_MOVED = 64;
const MAX_AT_ONE_TIME = 16;
export const MOVE_AGAIN_AFTER_MS = 30_000;
const ANSWER_WITHIN_MS = 5_000;

/** Starts with the first consumer that is added, and ends with the last one. */
export function watchLaggingReplicas(options: LaggingReplicasOptions): LaggingReplicas {
  return new ReplicaWatch(options);
}

class ReplicaWatch implements LaggingReplicas {
  readonly #options: LaggingReplicasOptions;
  readonly #pulled = new Set<{ consumer: string }>();
  /** When this process moved a consumer, or tried to, within the pause. */
  readonly #movedAt = new Map<string, number>();
  #watching: AbortController | undefined;
  /** The position in the list of consumers at which the next look goes on. */
  #next = 0;
  #lastFailure = '';

  constructor(options: LaggingReplicasOptions) {
    this.#options = options;
  }

  add(consumer: string): () => void {
    const pulled = { consumer };
    this.#pulled.add(pulled);
    if (this.#watching === undefined) {
      this.#watching = new AbortController();
      void this.#watch(this.#watching.signal);
    }
    return () => {
      if (!this.#pulled.delete(pulled) || this.#pulled.size > 0) return;
      this.#watching?.abort();
      this.#watching = undefined;
    };
  }

  /** Never rejects. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { replicas, clock } = this.#options;
    const looks = new ReplicaLooks();
    while (!signal.aborted) {
      const log = await replicas.read().catch(() => undefined);
      if (log === undefined) looks.forget();
      else await this.#move(log, looks.note(log), signal);
      await clock.sleep(log?.followers.length === 0 ? LOOK_AT_SOLE_EVERY_MS : LOOK_EVERY_MS, signal);
    }
  }

  async #move(log: ReplicatedLog, lagging: readonly Follower[], signal: AbortSignal): Promise<void> {
    if (lagging.length === 0) {
      this.#lastFailure = '';
      return;
    }
    const moves = new Moves(this.#options.replicas, log, lagging);
    const turn = this.#takeTurn();
    for (let asked = 0; asked < turn.length && moves.left > 0 && !moves.hasFailed && !signal.aborted; ) {
      const batch = turn.slice(asked, asked + Math.min(MAX_AT_ONE_TIME, moves.left));
      await Promise.all(batch.map((consumer) => moves.move(consumer, () => this.#movedAt.set(consumer, this.#options.clock.now()))));
      asked += batch.length;
      this.#next += batch.length;
    }
    for (const problem of moves.problems((failure) => this.#isNew(failure))) this.#options.onProblem(problem);
  }

  /** The consumers for whose leaders a look asks, at most. */
  #takeTurn(): string[] {
    const now = this.#options.clock.now();
    for (const [consumer, at] of this.#movedAt) if (now - at >= MOVE_AGAIN_AFTER_MS) this.#movedAt.delete(consumer);
    const all = [...new Set([...this.#pulled].map(({ consumer }) => consumer))];
    if (this.#next >= all.length) this.#next = 0;
    return [...all.slice(this.#next), ...all.slice(0, this.#next)].filter((consumer) => !this.#movedAt.has(consumer)).slice(0, MAX_ASKED);
  }

  /** A failure is reported once, although each look tries again. */
  #isNew(failure: string): boolean {
    const isNew = failure !== this.#lastFailure;
    this.#lastFailure = failure;
    return isNew;
  }
}

/** The moves of one look. */
class Moves {
  readonly #replicas: LogReplicas;
  readonly #lagging: ReadonlyMap<string, { lag: number; moved: number; failed: number; why: string }>;
  readonly #upToDate: readonly string[];
  #chosen = 0;
  /** How many more consumers this look may move. */
  left = MAX_MOVED;
  /** Whether a server refused or did not answer. The other consumers then wait for the next look. */
  hasFailed = false;

  constructor(replicas: LogReplicas, { leader, followers }: ReplicatedLog, lagging: readonly Follower[]) {
    this.#replicas = replicas;
    this.#lagging = new Map(lagging.map(({ name, lag }) => [name, { lag, moved: 0, failed: 0, why: '' }]));
    this.#upToDate = [leader, ...followers.filter(({ isCurrent, isOffline }) => isCurrent && !isOffline).map(({ name }) => name)];
  }

  /** Moves a consumer if its leader is a lagging server. Never rejects. */
  async move(consumer: string, onMove: () => void): Promise<void> {
    const leader = await this.#replicas.leaderOf(consumer).catch(() => {
      this.hasFailed = true;
      return undefined;
    });
    const found = this.#lagging.get(leader ?? '');
    if (found === undefined) return;
    this.left--;
    onMove();
    try {
      await this.#replicas.stepDown(consumer, this.#upToDate[this.#chosen++ % this.#upToDate.length] ?? '');
      found.moved++;
    } catch (error) {
      // Another process may have moved the consumer meanwhile.
      const present = await this.#replicas.leaderOf(consumer).catch(() => leader);
      if (present !== leader) return;
      this.hasFailed = true;
      found.failed++;
      found.why = messageOf(error);
    }
  }

  /** What is to be said about each server whose consumers were moved, or could not be. */
  problems(isNew: (failure: string) => boolean): string[] {
    return [...this.#lagging].flatMap(([server, { lag, moved, failed, why }]) => {
      const isFailureNew = failed > 0 && isNew(`${server}: ${why}`);
      const counts = [
        ...(moved > 0 ? [`consumers moved to another server: ${moved}`] : []),
        ...(isFailureNew ? [`consumers that could not be moved: ${failed} (${why})`] : []),
      ];
      return counts.length === 0
        ? []
        : [`the replica of the log on the NATS server ${server} stays behind (lag ${lag}); ${counts.join('; ')}`];
    });
  }
}

/** Judges the replicas by one look after the other. */
export class ReplicaLooks {
  /** For each server that was behind at the last look: at how many looks in a row, and its lag at that look. */
  #behind = new Map<string, { looks: number; lag: number }>();
  #before: Pick<ReplicatedLog, 'leader' | 'lastSequence'> | undefined;

  /** Returns the lagging replicas of this look. */
  note(log: ReplicatedLog): readonly Follower[] {
    const { leader, lastSequence, followers } = log;
    if (leader !== this.#before?.leader) this.forget();
    const growth = this.#before === undefined ? 0 : lastSequence - this.#before.lastSequence;
    const behind = followers.filter((follower) => isBehind(follower, growth));
    const found = behind.map(({ name, lag }): [string, { looks: number; lag: number }] => {
      const { looks, lag: before } = this.#behind.get(name) ?? { looks: 0, lag: 0 };
      return [name, { looks: lag < before ? 1 : looks + 1, lag }];
    });
    this.#behind = new Map(found);
    this.#before = { leader, lastSequence };
    return behind.filter(({ name }) => (this.#behind.get(name)?.looks ?? 0) >= LOOKS_UNTIL_LAGGING);
  }

  forget(): void {
    this.#behind = new Map();
    this.#before = undefined;
  }
}

/**
 * Whether a replica lacks messages that the log held at the look before. A healthy replica of a busy log lacks the newest ones only, which are
 * fewer than the log got since then. The leader counts groups of messages, so many of them are a lag in any case.
 */
function isBehind({ lag, isCurrent, isOffline }: Follower, growth: number): boolean {
  return !isCurrent && !isOffline && lag > 0 && lag >= Math.min(growth, BUSY_LAG);
}

/** From this version on, a step-down may name the next leader. An older server refuses a request that is not empty. */
const PREFERS_SINCE = '2.11';
const answerSchema = z.object({ error: z.object({ description: z.string().optional() }).optional() });

/** The log and its consumers on JetStream. */
export function createNatsLogReplicas({ nats, manager, jetstream, refusals }: Connection): LogReplicas {
  return {
    async read() {
      const { state, cluster } = await manager.streams.info(INVOCATIONS);
      const followers = (cluster?.replicas ?? []).map(
        ({ name, lag, current, offline }): Follower => ({ name, lag: lag ?? 0, isCurrent: current, isOffline: offline ?? false }),
      );
      return { leader: cluster?.leader ?? '', lastSequence: state.last_seq, followers };
    },
    leaderOf: async (consumer) => (await findConsumer(manager, consumer))?.cluster?.leader,
    async stepDown(consumer, preferred) {
      const body = isAtLeast(nats.info?.version ?? '', PREFERS_SINCE) ? JSON.stringify({ placement: { preferred } }) : '';
      const subject = `${jetstream.apiPrefix}.CONSUMER.LEADER.STEPDOWN.${INVOCATIONS}.${consumer}`;
      const reply = await nats.request(subject, body, { timeout: ANSWER_WITHIN_MS }).catch((error: unknown) => {
        throw refusals.explain(error);
      });
      const { error } = answerSchema.parse(parseJson(reply.string()));
      if (error !== undefined) throw new Error(error.description ?? 'the server gives no reason');
    },
  };
}
