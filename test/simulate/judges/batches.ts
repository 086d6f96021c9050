import type { Fact, FactOf } from '#machines/facts.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { Life } from './life.ts';

type Counted = { members?: number; counts?: { SUCCESS?: number } };

/** Judges batches by the log (FAN1, FAN2, FAN4). A member is accepted and starts at places in the order of the log. */
export class JudgedBatches {
  /** By function and batch. */
  readonly #batches = new Map<string, { members: Set<Life>; sealedAt?: number; canceledAt?: number }>();

  /** A request was accepted. */
  note(life: Life): void {
    if (life.batch !== undefined) this.#batchOf(life, life.batch).members.add(life);
  }

  /** What a fact breaks, at a sequence of the log. */
  fold(fact: Fact, life: Life, sequence: number): string | undefined {
    if (fact.type === 'running') return this.#start(life);
    if (life.opens === undefined) return undefined;
    if (fact.type === 'batch.sealed') return this.#seal(fact, life, sequence);
    return fact.type === 'succeeded' ? this.#complete(fact.payload, life) : undefined;
  }

  #seal({ reason }: FactOf<'batch.sealed'>, life: Life, sequence: number): string | undefined {
    const batch = this.#batchOf(life, life.opens ?? '');
    const isSecond = batch.sealedAt !== undefined && reason !== 'canceled';
    batch.sealedAt ??= sequence;
    if (reason === 'canceled') batch.canceledAt ??= sequence;
    return isSecond ? `FAN1: the batch ${life.id} was sealed twice` : undefined;
  }

  #complete(payload: string, life: Life): string | undefined {
    const { members, sealedAt } = this.#batchOf(life, life.opens ?? '');
    if (sealedAt === undefined) return `FAN2: the batch ${life.id} completed before its seal`;
    const before = [...members].filter(({ place }) => place < sealedAt);
    const open = before.find(({ outcomes }) => outcomes.length === 0);
    if (open !== undefined) return `FAN2: the batch ${life.id} completed before its member ${open.id}`;
    const said = parseJson(payload) as Counted;
    const least = before.filter(({ outcomes: [outcome] }) => outcome?.type === 'succeeded').length;
    if ((said.members ?? 0) >= before.length && (said.counts?.SUCCESS ?? 0) >= least) return undefined;
    return `FAN2: the batch ${life.id} counts ${payload}, and had ${before.length} members and ${least} successes at its seal`;
  }

  #start(life: Life): string | undefined {
    if (life.batch === undefined) return undefined;
    const { canceledAt } = this.#batchOf(life, life.batch);
    if (canceledAt === undefined || life.place < canceledAt) return undefined;
    return `FAN4: ${life.id} started, and was accepted after the cancellation of its batch`;
  }

  #batchOf({ name }: Life, batch: string) {
    const key = `${name.function}/${batch}`;
    const known = this.#batches.get(key) ?? { members: new Set<Life>() };
    this.#batches.set(key, known);
    return known;
  }
}
