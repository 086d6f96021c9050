import type { Clock } from '#src/core/ports/clock.ts';
import type { DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import { describeCircuit } from '#src/core/unclosed-circuits.ts';
import { type Admission, CircuitBreaker, FIRST_ADMISSION } from './circuit-breaker.ts';
import { DueCalendar } from './due-calendar.ts';

/**
 * The budget of retries: how many deliveries of this process become due again in a second, for all open circuits together, and at least one
 * for each. Each costs a hint, a read of its stream and an append.
 */
const MIN_DUE_AGAIN_PER_SECOND = 10;
/** A short outage must not delay its backlog for long: the budget is 200 in the first second, and falls with the duration. */
const MAX_DUE_AGAIN_PER_SECOND = 200;
const FULL_BUDGET_FOR_S = 1;
/** A delivery is postponed for as long as the outage has lasted already, within these bounds. Its postponements therefore become rare. */
const MIN_POSTPONEMENT_IN_MS = 1_000;
const MAX_POSTPONEMENT_IN_MS = 300_000;
/** How many circuits are kept. Beyond them the oldest closed one is forgotten, or the oldest one when none is closed: its target is tried again. */
const MAX_CIRCUITS = 10_000;

/** A function's deliveries to one target share a circuit. */
export type CircuitKey = { functionName: string; limitKey: string };

/** A try that a circuit admitted. */
export interface AdmittedTry {
  /** Ends the try; later calls are ignored. Without a result the try was not made. Returns the time before which the delivery is not tried again. */
  end(result?: DeliveryResult): number;
}

type Postponement = { dueAt: number; reason: string };

/** `hasProbe` says whether a delivery is due at the moment at which the circuit half-opens. */
type Circuit = { key: CircuitKey; breaker: CircuitBreaker; calendar: DueCalendar; hasProbe: boolean };

export type CircuitsOptions = {
  clock: Pick<Clock, 'now'>;
  /** The name of the process. */
  name: string;
  /** A circuit of the limit key has closed. */
  onClosed: (limitKey: string) => void;
};

const withoutCircuit: AdmittedTry = { end: () => 0 };

/**
 * The circuits of this process, by function and target.
 *
 * The key contains the function, because the deliveries of one function to a host may fail while those of another function succeed.
 * Otherwise a function could stop the deliveries of another project to a host that both use.
 */
export class Circuits {
  readonly #options: CircuitsOptions;
  /** The circuits that have counted a failure. A closed one stays, because the number of its successes decides which failures count. */
  readonly #circuits = new Map<string, Circuit>();
  /** The circuits that are not closed, their functions and their targets. They change only when a circuit opens or closes. */
  #unclosed: readonly Circuit[] = [];
  #troubled: ReadonlySet<string> = new Set();
  #troubledTargets: ReadonlySet<string> = new Set();

  constructor(options: CircuitsOptions) {
    this.#options = options;
  }

  /** Admits a try, or returns `undefined`: then the delivery is postponed. */
  admit(target: DestinationTarget | undefined, key: CircuitKey): AdmittedTry | undefined {
    if (target === undefined || target.withoutCircuit) return withoutCircuit;
    const breaker = this.#circuits.get(circuitIdOf(key))?.breaker;
    const admission = breaker === undefined ? FIRST_ADMISSION : breaker.admit(this.#now());
    if (admission === undefined) return undefined;
    let dueAt: number | undefined;
    return {
      end: (result) => {
        dueAt ??= this.#end(key, admission, result);
        return dueAt;
      },
    };
  }

  /** Whether no try may start before a time in the future. */
  isOpen(key: CircuitKey): boolean {
    const breaker = this.#circuits.get(circuitIdOf(key))?.breaker;
    return breaker !== undefined && !breaker.isClosed && this.#now() < breaker.openUntil;
  }

  /** Whether a circuit of the function is not closed. */
  isTroubled(functionName: string): boolean {
    return this.#troubled.has(functionName);
  }

  /** Whether a circuit of the target is not closed. */
  isTroubledTarget(limitKey: string): boolean {
    return this.#troubledTargets.has(limitKey);
  }

  /** When the delivery is due again, at the latest when it becomes too old, and why it waits. */
  postpone(key: CircuitKey, endsAt: number): Postponement {
    const circuit = this.#circuitOf(key);
    const { openUntil, closedUntil } = circuit.breaker;
    const now = this.#now();
    const reason = reasonOf(circuit, now);
    if (now < openUntil && !circuit.hasProbe) {
      circuit.hasProbe = true;
      return { dueAt: Math.min(openUntil, endsAt), reason };
    }
    const waitInMs = Math.min(Math.max(now - closedUntil, MIN_POSTPONEMENT_IN_MS), MAX_POSTPONEMENT_IN_MS);
    return { dueAt: Math.min(this.#reserve(circuit, now + waitInMs), endsAt), reason };
  }

  /** The circuits that are not closed. */
  list(): CircuitState[] {
    return this.#unclosed.map(({ key, breaker: { openUntil, failures, reason } }) => ({
      deliverer: this.#options.name,
      function: key.functionName,
      target: key.limitKey,
      state: stateOf(openUntil, this.#now()),
      openUntil,
      failures,
      reason,
    }));
  }

  #end(key: CircuitKey, admission: Admission, result: DeliveryResult | undefined): number {
    const circuit = result?.kind === 'failed' ? this.#circuitOf(key) : this.#circuits.get(circuitIdOf(key));
    if (circuit === undefined) return 0;
    const { breaker } = circuit;
    const wasClosed = breaker.isClosed;
    if (breaker.end(admission, result, this.#now())) circuit.hasProbe = false;
    if (breaker.isClosed !== wasClosed) this.#listUnclosed();
    if (breaker.isClosed && !wasClosed) this.#options.onClosed(key.limitKey);
    return result?.kind === 'failed' && !breaker.isClosed ? this.#reserve(circuit, breaker.openUntil) : 0;
  }

  /** A time from `wanted` on and not before the circuit half-opens. The open circuits share the budget. */
  #reserve({ calendar, breaker }: Circuit, wanted: number): number {
    const now = this.#now();
    const outageInS = Math.max(FULL_BUDGET_FOR_S, (now - breaker.closedUntil) / 1_000);
    const budget = Math.max(MIN_DUE_AGAIN_PER_SECOND, (MAX_DUE_AGAIN_PER_SECOND * FULL_BUDGET_FOR_S) / outageInS);
    const perSecond = Math.max(1, Math.floor(budget / this.#unclosed.length));
    return calendar.reserve(Math.max(wanted, breaker.openUntil), { now, perSecond });
  }

  #circuitOf(key: CircuitKey): Circuit {
    const id = circuitIdOf(key);
    const present = this.#circuits.get(id);
    if (present !== undefined) return present;
    if (this.#circuits.size >= MAX_CIRCUITS) this.#forgetOne();
    const circuit = { key, breaker: new CircuitBreaker(), calendar: new DueCalendar(), hasProbe: false };
    this.#circuits.set(id, circuit);
    return circuit;
  }

  #forgetOne(): void {
    let [oldest] = this.#circuits.keys();
    for (const [id, { breaker }] of this.#circuits) {
      if (!breaker.isClosed) continue;
      oldest = id;
      break;
    }
    if (oldest !== undefined) this.#circuits.delete(oldest);
    this.#listUnclosed();
  }

  #listUnclosed(): void {
    this.#unclosed = [...this.#circuits.values()].filter(({ breaker }) => !breaker.isClosed);
    this.#troubled = new Set(this.#unclosed.map(({ key }) => key.functionName));
    this.#troubledTargets = new Set(this.#unclosed.map(({ key }) => key.limitKey));
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

function circuitIdOf({ functionName, limitKey }: CircuitKey): string {
  return `${functionName} ${limitKey}`;
}

function reasonOf({ key: { limitKey }, breaker: { openUntil, failures, reason } }: Circuit, now: number): string {
  return describeCircuit({ target: limitKey, state: stateOf(openUntil, now), openUntil, failures, reason });
}

function stateOf(openUntil: number, now: number): CircuitState['state'] {
  return now < openUntil ? 'open' : 'half-open';
}
