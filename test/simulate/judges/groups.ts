import type { Fact, FactOf } from '#machines/facts.ts';
import { debounceOf } from '#src/core/functions/debounce.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import type { Execution } from '#src/core/ports/function-host.ts';
import type { Life } from './life.ts';
import { keyIn } from './order.ts';

/** The clock of a scheduler may be wrong by so much, so that it closes a group before the log has every request of the group. */
const MAX_CLOCK_ERROR_IN_MS = 500;

/**
 * Judges the groups of debounced requests by the log, without the scheduler and the machine, so that broken ones are found (DEB1 to DEB3).
 *
 * After a power cut the log shows no longer what a process has decided by it, so groups are judged in other worlds.
 */
export class Groups {
  readonly #byKey = new Map<string, Life[]>();

  /** A request was accepted. */
  note(life: Life, flow: Flow | undefined): void {
    if (flow?.debounce === undefined) return;
    const id = keyIdOf(life, flow);
    const alike = this.#byKey.get(id) ?? [];
    this.#byKey.set(id, alike);
    alike.push(life);
  }

  /** What a fact breaks. */
  fold(fact: Fact, life: Life, flow: Flow | undefined): string | undefined {
    if (flow?.debounce === undefined) return undefined;
    switch (fact.type) {
      case 'deferred':
        return fact.flow.debounce !== undefined && (life.closed ?? life.joined) !== undefined
          ? `DEB1: ${life.id} waits for a group, and has its part in one already`
          : undefined;
      case 'debounce.closed':
        life.closed = fact;
        return this.#judgeClosed(fact, life, flow);
      case 'debounce.joined':
        life.joined = fact;
        return this.#judgeJoined(fact, life, flow);
      case 'running':
        return life.closed === undefined ? `DEB1: attempt ${fact.attempt} of ${life.id} started, and it leads no group` : undefined;
      case 'succeeded':
      case 'failed':
        return this.#judgeEnd(fact, life, flow);
      default:
        return undefined;
    }
  }

  /** What an execution breaks whose events are not those of the leader and its members. */
  execute({ events, definition }: Pick<Execution, 'events' | 'definition'>, life: Life): string | undefined {
    if (definition.flow?.debounce?.keep !== 'all' || life.closed === undefined) return undefined;
    const members = this.#alike(life, definition.flow).filter(({ joined }) => joined?.leader.invocation === life.id);
    const expected = [
      ...(life.closed?.members ?? []).filter(({ invocation }) => members.some(({ id }) => id === invocation)),
      { invocation: life.id },
    ];
    const [given, wanted] = [(events ?? []).map(({ requestId }) => requestId).join(), expected.map(({ invocation }) => invocation).join()];
    return given === wanted ? undefined : `DEB3: ${life.id} ran with the events of ${given}, and its members are ${wanted}`;
  }

  #judgeClosed({ members, dueAt }: FactOf<'debounce.closed'>, life: Life, flow: Flow): string | undefined {
    const { waitInMs, maxWaitInMs } = debounceOf(flow.debounce ?? { wait: '', keep: 'last' });
    const alike = this.#alike(life, flow);
    const ids = new Set([life.id, ...members.map(({ invocation }) => invocation)]);
    const grouped = alike.filter(({ id }) => ids.has(id));
    const times = grouped.map(timeOf);
    // Any message of a request that was stored several times may own the stream, and each has a time of its own.
    const isCertain = grouped.every(({ requests }) => requests.size === 1);
    if (isCertain && dueAt !== Math.min(timeOf(life) + waitInMs, Math.min(...times) + maxWaitInMs))
      return `DEB2: the group of ${life.id} closed at ${dueAt}, with requests of ${times.join()}`;
    const decided = new Set(alike.flatMap(({ closed }) => (closed?.members ?? []).map(({ invocation }) => invocation)));
    const forgotten = alike.find(
      (one) => !ids.has(one.id) && !decided.has(one.id) && isFree(one) && one.dueAt === 0 && one.acceptedAt + MAX_CLOCK_ERROR_IN_MS < dueAt,
    );
    return forgotten === undefined ? undefined : `DEB2: the group of ${life.id} closed at ${dueAt} without ${forgotten.id} of its key`;
  }

  #judgeJoined({ leader }: FactOf<'debounce.joined'>, life: Life, flow: Flow): string | undefined {
    const found = this.#alike(life, flow).find(({ id }) => id === leader.invocation);
    const isNamed = found?.closed?.members.some(({ invocation }) => invocation === life.id) ?? false;
    if (!isNamed) return `DEB3: ${life.id} joined ${leader.invocation}, which does not name it`;
    return found !== undefined && found.attempts.size > 0
      ? `DEB3: ${life.id} joined ${leader.invocation} after its first attempt`
      : undefined;
  }

  #judgeEnd(fact: FactOf<'succeeded' | 'failed'>, life: Life, flow: Flow): string | undefined {
    if (life.joined === undefined) return undefined;
    const { leader, keep } = life.joined;
    if (keep === 'last')
      return fact.type === 'failed' && fact.condition === 'InvocationCanceled' ? undefined : `DEB3: ${life.id} ${fact.type}`;
    const [outcome] = this.#alike(life, flow).find(({ id }) => id === leader.invocation)?.outcomes ?? [];
    const isSame =
      outcome?.type === fact.type && (fact.type === 'failed' || (outcome.type === 'succeeded' && outcome.payload === fact.payload));
    return isSame ? undefined : `DEB3: ${life.id} ${fact.type}, and its leader ${leader.invocation} ${outcome?.type ?? 'is open'}`;
  }

  #alike(life: Life, flow: Flow): readonly Life[] {
    return this.#byKey.get(keyIdOf(life, flow)) ?? [];
  }
}

/** Whether a request is open, has one time, and is in no group. */
function isFree({ outcomes, closed, joined, requests }: Life): boolean {
  return requests.size === 1 && outcomes.length === 0 && closed === undefined && joined === undefined;
}

function timeOf({ dueAt, acceptedAt }: Life): number {
  return dueAt === 0 ? acceptedAt : dueAt;
}

function keyIdOf({ name, payload }: Life, flow: Flow): string {
  return `${name.function}/${keyIn(flow, payload)}`;
}
