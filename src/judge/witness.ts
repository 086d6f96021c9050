import { setTimeout as sleep } from 'node:timers/promises';
import { headers, type Msg, type MsgHdrs, type NatsConnection } from 'nats';
import type { Execution } from './evidence.ts';

/** Does what the event of an execution says. A rejection is a failure of the function. */
export type Act = (event: unknown, attempt: number) => Promise<unknown>;

export type WitnessOptions = {
  /** The subject on which the executions are requested. */
  subject: string;
  act: Act;
  /** The time in milliseconds since the epoch. */
  now: () => number;
};

/** Further executions are not answered: a storm of 100,000 requests makes fewer. */
const MAX_EXECUTIONS = 1_000_000;
/** Without a connection, the last executions before the end do not arrive. */
const DRAINED_WITHIN_MS = 10_000;

/**
 * Executes functions in the process of the judge, and writes down each execution: also a second one of an attempt, and one whose result no
 * worker waits for, which neither the log nor a client shows. All times are of one clock, and the order is that of the arrival.
 *
 * A worker of Sequent asks on the subject of the function, with the id of the request and the number of the attempt (docs/functions.md).
 */
export class Witness {
  readonly #executions: Execution[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #options: WitnessOptions;
  readonly #subscription: { drain(): Promise<void> };
  #ended: Promise<readonly Execution[]> | undefined;

  constructor(nats: NatsConnection, options: WitnessOptions) {
    this.#options = options;
    const callback = (error: Error | null, message: Msg): void => {
      // A missing permission to subscribe: no execution arrives.
      if (error !== null || this.#executions.length >= MAX_EXECUTIONS) return;
      const running = this.#execute(message).finally(() => this.#running.delete(running));
      this.#running.add(running);
    };
    this.#subscription = nats.subscribe(options.subject, { callback });
  }

  /**
   * Answers no further execution, and returns all of them once the last one has ended. What the log holds after that has an execution here, if any:
   * a later attempt finds nobody who answers.
   */
  end(): Promise<readonly Execution[]> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<readonly Execution[]> {
    // Rejects on a connection that is closed already.
    await Promise.race([this.#subscription.drain().catch(() => {}), sleep(DRAINED_WITHIN_MS, undefined, { ref: false })]);
    await Promise.all(this.#running);
    return this.#executions;
  }

  async #execute(message: Msg): Promise<void> {
    const { act, now } = this.#options;
    const id = message.headers?.get('Request-Id') ?? '';
    const attempt = Number(message.headers?.get('Attempt'));
    this.#executions.push({ kind: 'start', id, attempt, at: now() });
    const answer = await Promise.resolve()
      .then(() => act(message.json(), attempt))
      .then(returned, failed);
    // Before the answer: the next execution of the key may start as soon as the worker has it.
    this.#executions.push({ kind: 'end', id, attempt });
    try {
      message.respond(answer.body, answer.options);
    } catch {
      // The connection is closed. The worker gets no answer, and the attempt is over by its time limit.
    }
  }
}

type Answer = { body: string; options?: { headers: MsgHdrs } };

function returned(value: unknown): Answer {
  return { body: JSON.stringify(value) };
}

function failed(error: unknown): Answer {
  const { name: errorType, message: errorMessage } = error as Error;
  const sent = headers();
  sent.set('Function-Error', errorType);
  return { body: JSON.stringify({ errorType, errorMessage }), options: { headers: sent } };
}
