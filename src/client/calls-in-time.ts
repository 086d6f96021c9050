import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, NatsUnavailableError, SequentError } from '#src/core/errors.ts';
import { isUnanswered, natsFailureOf } from '#src/core/no-answer-error.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';

/** The time in which a call without an answer settles. The rest of ten seconds is for a busy process. */
export const SETTLES_WITHIN_MS = 9_500;
/** How long the log may take to show that it answers. */
const LOG_ANSWERS_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 500;
const ASK_AFTER_MS = SETTLES_WITHIN_MS - LOG_ANSWERS_WITHIN_MS - LOOK_EVERY_MS;

type Call = { askAt: number; reject: (error: Error) => void };

type Options = {
  servers: string;
  /** Resolves when the log answers. */
  ask: () => Promise<unknown>;
};

/** The parts of an interface that are interfaces themselves, and the methods that end by a signal or by themselves. */
type Bounds<Api> = { parts?: readonly (keyof Api)[]; except?: readonly (keyof Api)[]; timeGiven?: (args: readonly unknown[]) => number };

/**
 * Lets the calls of a client settle in time (LATE2):
 *
 * 1. After seven seconds without a result the log is asked, and the call goes on while the log answers.
 * 2. Otherwise the call is rejected after 9.5 s with `NatsUnavailableError`. Its work ends by the bounds of its own.
 * 3. A caller that gives a longer time limit waits for it.
 */
export class CallsInTime {
  readonly #options: Options;
  readonly #calls = new PassingMap<number, Call>();
  #made = 0;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The same methods, of which every promise settles in time. */
  bounded<Api extends object>(api: Api, { parts = [], except = [], timeGiven = () => 0 }: Bounds<Api> = {}): Api {
    const bounded = { ...api };
    for (const name of Object.keys(api) as (keyof Api & string)[]) {
      const member: unknown = api[name];
      if (except.includes(name)) continue;
      if (parts.includes(name)) bounded[name] = this.bounded(member as Api[typeof name] & object, { timeGiven });
      else if (typeof member === 'function')
        bounded[name] = ((...args: unknown[]) => {
          const made: unknown = member.apply(api, args);
          return made instanceof Promise ? this.settle(made, timeGiven(args)) : made;
        }) as Api[typeof name];
    }
    return bounded;
  }

  settle<Value>(made: Promise<Value>, timeGivenInMs = 0): Promise<Value> {
    return new Promise((resolve, reject) => {
      const key = this.#made++;
      this.#calls.set(key, { askAt: performance.now() + Math.max(ASK_AFTER_MS, timeGivenInMs), reject });
      this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
      made.then(
        (value) => {
          this.#end(key);
          resolve(value);
        },
        (error: unknown) => {
          this.#end(key);
          reject(this.#explained(error));
        },
      );
    });
  }

  #end(key: number): void {
    this.#calls.delete(key);
    if (this.#calls.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#isAsking || this.#late().length === 0) return;
    this.#isAsking = true;
    void this.#logAnswers().then((answers) => {
      this.#isAsking = false;
      // The answer is as good for the calls that became late while the log was asked.
      for (const [key, call] of this.#late()) {
        if (answers) call.askAt = performance.now() + ASK_AFTER_MS;
        else {
          this.#end(key);
          call.reject(this.#unanswered(`the log has answered nothing for ${SETTLES_WITHIN_MS / 1_000} s`));
        }
      }
    });
  }

  #late(): (readonly [number, Call])[] {
    const now = performance.now();
    return [...this.#calls].filter(([, { askAt }]) => askAt <= now);
  }

  async #logAnswers(): Promise<boolean> {
    const answered = this.#options.ask().then(
      () => true,
      () => false,
    );
    return await Promise.race([answered, delay(LOG_ANSWERS_WITHIN_MS, false, { ref: false })]);
  }

  /** An error of the NATS client says neither which server was asked nor what to do. */
  #explained(error: unknown): unknown {
    // The connection for large contents is opened at its first use.
    if (error instanceof NatsUnavailableError && error.remedy === undefined)
      return this.#unanswered(messageOf(error.cause ?? error), error);
    const failure = error instanceof SequentError ? undefined : natsFailureOf(error);
    return failure === undefined || !isUnanswered(failure) ? error : this.#unanswered(`no answer (${failure.code})`, error);
  }

  #unanswered(why: string, cause?: unknown): NatsUnavailableError {
    const { servers } = this.#options;
    return new NatsUnavailableError(
      { servers, why: `${why}. What the call changes may have changed: repeat the call when the server answers` },
      { cause },
    );
  }
}
