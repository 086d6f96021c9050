import { fnv1a } from '#machines/fnv.ts';
import type { DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { Execution, ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';
import type { Ledger } from '#test/simulate/judges/ledger.ts';
import type { Witness } from '#test/simulate/judges/witness.ts';
import type { Process } from '../world/process.ts';

/** What the function does with a request, by the request itself: the same on every attempt, so that a seed repeats it. */
type Behaviour = 'returns' | 'fails-once' | 'fails' | 'is-slow' | 'has-no-process' | 'kills-its-worker';

/** Runs functions that are named after what they do. */
export function createSimulatedHost(process: Process, ledger: Ledger, witness: Witness | undefined): FunctionHost {
  const { chance } = process.engine;
  return {
    execute: (execution, signal) =>
      new Promise((resolve) => {
        ledger.executed(process, execution);
        witness?.executed(process, execution);
        const behaviour = takesOf(execution) === undefined ? behaviourOf(execution) : 'returns';
        const label = `attempt ${execution.attempt} of ${execution.requestId}`;
        const end = (result: ExecutionResult): void => {
          cancel();
          ledger.returned(process, execution, result);
          witness?.returned(execution, result);
          resolve(result);
        };
        const takesMs = takesOf(execution) ?? durationOf(behaviour, chance.next());
        const cancel = process.schedule(takesMs, `ends ${label}`, () => {
          if (behaviour === 'kills-its-worker') process.die();
          else end(resultOf(execution, behaviour));
        });
        signal.addEventListener('abort', () => end(failed('function', 'it was aborted')));
      }),
    close: async () => {},
  };
}

/** How long an execution of a crowd takes. */
function takesOf({ payload, events }: Execution): number | undefined {
  const event = events?.[0]?.payload ?? payload;
  return event.includes('"takes":') ? (JSON.parse(event) as { takes: number }).takes : undefined;
}

function behaviourOf({ requestId, payload }: Execution): Behaviour {
  const share = (fnv1a(`${requestId} does`) >>> 0) % 1_000;
  if (payload.includes('kills-its-worker')) return 'kills-its-worker';
  if (share < 700) return 'returns';
  if (share < 830) return 'fails-once';
  if (share < 900) return 'fails';
  if (share < 960) return 'is-slow';
  return 'has-no-process';
}

function durationOf(behaviour: Behaviour, share: number): number {
  if (behaviour === 'is-slow') return 5_000 + share * 40_000;
  return share < 0.9 ? 1 + share * 20 : share * 1_500;
}

function resultOf({ requestId, attempt }: Execution, behaviour: Behaviour): ExecutionResult {
  if (behaviour === 'fails' || (behaviour === 'fails-once' && attempt === 1)) return failed('function', `attempt ${attempt} threw`);
  if (behaviour === 'has-no-process' && attempt < 3) return failed('platform', `attempt ${attempt} found no process`);
  return { kind: 'returned', payload: JSON.stringify({ of: requestId, attempt }) };
}

function failed(kind: 'function' | 'platform', message: string): ExecutionResult {
  return { kind: 'failed', failure: { kind, errorType: 'Error', message, code: 4_002 } };
}

/** Targets outside of Sequent, by the host of their address: healthy, slow, flaky or dead. */
export function createSimulatedTarget(process: Process, ledger: Ledger, witness: Witness | undefined): DestinationTarget {
  return {
    refuse: () => undefined,
    limitKeyOf: ({ destination, param }) => `${destination}:${param}`,
    deliver: (request, signal) =>
      new Promise((resolve) => {
        ledger.tried(process, request);
        witness?.tried(request);
        const end = (result: DeliveryResult): void => {
          cancel();
          ledger.tryEnded(process, request, result);
          resolve(result);
        };
        const { chance } = process.engine;
        const isSlow = request.destination.param.includes('slow');
        const duration = isSlow ? 2_000 + chance.next() * 20_000 : 1 + chance.next() * 30;
        const label = `try ${request.try} of ${request.deliveryId}`;
        const cancel = process.schedule(duration, `ends ${label}`, () => end(verdictOf(request.destination.param, request.try)));
        signal.addEventListener('abort', () => end({ kind: 'failed', reason: 'it took too long' }), { once: true });
      }),
  };
}

function verdictOf(param: string, number: number): DeliveryResult {
  if (param.includes('dead')) return { kind: 'failed', reason: 'HTTP 503' };
  if (param.includes('gone')) return { kind: 'dead', reason: 'HTTP 410' };
  if (param.includes('flaky') && number < 3) return { kind: 'failed', reason: 'HTTP 429', retryAfterInMs: 3_000 };
  return { kind: 'delivered' };
}

type Watching = { ledger: Ledger; witness: Witness | undefined };

/** Watches the tries of the real target for functions. */
export function watchTarget(target: DestinationTarget, process: Process, { ledger, witness }: Watching): DestinationTarget {
  return {
    ...target,
    async deliver(request, signal) {
      ledger.tried(process, request);
      witness?.tried(request);
      const result = await target.deliver(request, signal);
      ledger.tryEnded(process, request, result);
      return result;
    },
  };
}
