import { NoAnswerError } from '#src/core/no-answer-error.ts';
import type { Cancellations } from '#src/core/ports/questions/cancellations.ts';
import type { AskedAttempt, ExecutionProbe } from '#src/core/ports/questions/execution-probe.ts';
import type { FindOpen, OpenRequests } from '#src/core/ports/questions/open-requests.ts';
import { neverAnswered, type Process } from './process.ts';

const PATIENCE_IN_MS = 2_000;
const FIND_PATIENCE_IN_MS = 1_000;
const FIND_TRIES = 10;

/** The questions that processes ask each other. */
export type Answers = { executionProbe: ExecutionProbe; cancellations: Cancellations; openRequests: OpenRequests };

export function createAnswersOf(): (process: Process) => Answers {
  const running = createAnswerers<(asked: AskedAttempt) => boolean>();
  const cancelling = createAnswerers<(asked: AskedAttempt) => void>();
  const finding = createAnswerers<FindOpen>();

  /** A scheduler that stands still or is behind the log does not answer. Without a scheduler, the server answers at once. */
  function ask(...question: Parameters<FindOpen>): ReturnType<FindOpen> {
    if (finding.isEmpty()) return Promise.resolve([]);
    return (
      finding
        .first()
        ?.answer(...question)
        .catch(neverAnswered) ?? neverAnswered()
    );
  }

  return (process) => ({
    executionProbe: {
      async isRunning(worker, asked) {
        const label = `ask ${worker} about attempt ${asked.attempt} of ${asked.invocation}`;
        const answerer = running.get(worker);
        if (answerer !== undefined && process.faults.strike('lost-probe', label)) return false;
        if (answerer?.process.isStill || (answerer !== undefined && process.faults.strike('silent-probe', label))) {
          await process.clock.sleep(PATIENCE_IN_MS);
          return undefined;
        }
        return await process.call(label, () => running.get(worker)?.answer(asked) ?? false);
      },
      answer: (worker, runs, signal) => running.add(worker, { process, answer: runs }, signal),
    },
    cancellations: {
      announce: (worker, canceled) => {
        const { invocation } = canceled;
        if (!process.faults.strike('lost-hint', `cancel ${invocation}`)) {
          process.send(`cancel ${invocation}`, () => {
            const found = cancelling.get(worker);
            found?.process.schedule(0, `hears of cancelled ${invocation}`, () => found.answer(canceled));
          });
        }
      },
      subscribe: (worker, onCancel, signal) => cancelling.add(worker, { process, answer: onCancel }, signal),
    },
    openRequests: {
      async find(stream, functionName) {
        for (let tries = 0; tries < FIND_TRIES; tries++) {
          const found = await Promise.race([
            process.call(`find open ${stream}`, () => ask(stream, functionName)),
            // The scheduler may die before it answers.
            process.clock.sleep(FIND_PATIENCE_IN_MS),
          ]);
          if (found !== undefined) return found;
        }
        throw new NoAnswerError({ asked: 'the scheduler', why: `none to ${FIND_TRIES} questions` });
      },
      answer: (find, signal) => finding.add(process.name, { process, answer: find }, signal),
    },
  });
}

type Answerer<Answer> = { process: Process; answer: Answer };

function createAnswerers<Answer>() {
  const answerers = new Map<string, Answerer<Answer>>();
  return {
    get: (name: string): Answerer<Answer> | undefined => answerers.get(name),
    isEmpty: (): boolean => answerers.size === 0,
    first: (): Answerer<Answer> | undefined => [...answerers.values()].find(({ process }) => !process.isStill),
    add(name: string, answerer: Answerer<Answer>, signal: AbortSignal): void {
      answerers.set(name, answerer);
      const end = (): void => void answerers.delete(name);
      signal.addEventListener('abort', end, { once: true });
      answerer.process.death.addEventListener('abort', end, { once: true });
    },
  };
}
