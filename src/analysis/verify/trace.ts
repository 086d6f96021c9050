import { accepts, type Fact, following, type Life } from './life.generated.ts';

/** A fact as any log holds it. The fields that the specification asks for are read from it. */
export type LoggedFact = { readonly type: string; readonly at: number; readonly [field: string]: unknown };

const BEGIN: Life = {
  id: '',
  isBatch: false,
  isCanceled: false,
  state: 'queued',
  dueAt: 0,
  attempts: 0,
  retries: 0,
  maxRetries: 0,
  lost: 0,
  isSynchronous: false,
  waits: 'none',
  queue: '',
  group: 'none',
  leader: '',
  delivery: 'none',
  tries: 0,
  deliveryDueAt: 0,
};

/**
 * Follows the facts of one invocation or batch in the specification (`test/specification/life.qnt`), and says which fact leaves it. No machine takes part.
 *
 * The specification has one destination. A life with several ones is several lives that differ in their delivery alone.
 */
export class Trace {
  /** By the destination of the outcome; one without a name before the outcome, and of an outcome without destinations. */
  #lives: ReadonlyMap<string, Life>;

  constructor({ id, isBatch = false, dueAt = 0 }: { id: string; isBatch?: boolean; dueAt?: number }) {
    this.#lives = new Map([['', { ...BEGIN, id, isBatch, dueAt }]]);
  }

  /** Returns why the specification does not accept the fact, which then changes nothing; `undefined` when it accepts it. */
  read(logged: LoggedFact): string | undefined {
    const fact = factOf(logged);
    const { destination } = logged;
    const meant = typeof destination === 'string' ? [...this.#lives].filter(([name]) => name === destination) : [...this.#lives];
    const refusing = meant.find(([, life]) => !accepts(life, fact));
    if (meant.length === 0) return `${fact.kind}: the outcome has no such destination`;
    if (refusing !== undefined) return `${fact.kind} ${JSON.stringify(pick(fact))} does not follow ${JSON.stringify(pick(refusing[1]))}`;
    const named = (logged.destinations ?? []) as readonly { id: string }[];
    const [life] = this.#lives.values();
    if (named.length === 0 || life === undefined)
      this.#lives = new Map([...this.#lives, ...meant.map(([name, one]) => [name, following(one, fact)] as const)]);
    else this.#lives = new Map(named.map(({ id }) => [id, following(life, { ...fact, hasDestination: true })]));
    return undefined;
  }
}

/** The fields that say something. */
function pick(record: Life | Fact): object {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== '' && value !== 0 && value !== false && value !== 'none'),
  );
}

type Named = { invocation: string };
type Flow = { pool: string; key: string; debounce?: object };
type Terms = { maxRetries: number; synchronous?: true };

/** The fact in the words of the specification. */
function factOf(logged: LoggedFact): Fact {
  const flow = logged.flow as Flow | undefined;
  const failure = logged.failure as { kind: string; retryable?: false } | undefined;
  const terms = logged.terms as Terms | undefined;
  const leader = logged.leader as string | Named | undefined;
  return {
    kind: logged.type === 'deferred' ? `deferred.${flow?.debounce === undefined ? 'slot' : 'group'}` : logged.type,
    number: Number(logged.attempt ?? logged.try ?? 0),
    at: logged.at,
    dueAt: Number(logged.dueAt ?? 0),
    failure: failure?.retryable === false ? 'final' : (failure?.kind ?? ''),
    leader: typeof leader === 'object' ? leader.invocation : (leader ?? ''),
    queue: flow === undefined ? '' : `${flow.pool}/${flow.key}`,
    hasTerms: terms !== undefined,
    maxRetries: terms?.maxRetries ?? 0,
    isSynchronous: terms?.synchronous === true,
    hasDestination: false,
    isCancellation: logged.type === 'batch.sealed' && logged.reason === 'canceled',
  };
}
