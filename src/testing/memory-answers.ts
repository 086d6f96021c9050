import type { Cancellations } from '#src/core/ports/questions/cancellations.ts';
import type { DestinationCheck } from '#src/core/ports/questions/destination-check.ts';
import type { AskedAttempt, ExecutionProbe } from '#src/core/ports/questions/execution-probe.ts';
import type { OpenRequests } from '#src/core/ports/questions/open-requests.ts';

/** The ports by which roles ask each other, for roles in one process. */
export type MemoryAnswers = {
  executionProbe: ExecutionProbe;
  openRequests: OpenRequests;
  destinationCheck: DestinationCheck;
  cancellations: Cancellations;
};

export function createMemoryAnswers(): MemoryAnswers {
  const running = createAnswerers<(asked: AskedAttempt) => boolean>();
  const cancelling = createAnswerers<(asked: AskedAttempt) => void>();
  const finding = createAnswerers<Parameters<OpenRequests['answer']>[0]>();
  const refusing = createAnswerers<Parameters<DestinationCheck['answer']>[0]>();
  return {
    executionProbe: {
      isRunning: async (worker, asked) => running.get(worker)?.(asked) ?? false,
      answer: running.add,
    },
    cancellations: {
      announce: (worker, canceled) => cancelling.get(worker)?.(canceled),
      subscribe: cancelling.add,
    },
    openRequests: {
      find: async (stream, functionName) => finding.get('')?.(stream, functionName) ?? [],
      answer: (find, signal) => finding.add('', find, signal),
    },
    destinationCheck: {
      refuse: async (destination) => refusing.get('')?.(destination),
      answer: (refuse, signal) => refusing.add('', refuse, signal),
    },
  };
}

function createAnswerers<Answer>() {
  const answers = new Map<string, Answer>();
  return {
    get: (name: string): Answer | undefined => answers.get(name),
    add(name: string, answer: Answer, signal: AbortSignal): void {
      answers.set(name, answer);
      signal.addEventListener('abort', () => answers.delete(name), { once: true });
    },
  };
}
