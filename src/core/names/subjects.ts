import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from './names.ts';

/**
 * The subjects of Sequent. No user may address them: the first token of each is reserved (`addressable.ts`). A subject that is added here is
 * thereby reserved.
 */

/** The first token of the subjects of the history service. */
export const HISTORY_GROUP = 'history';

export const subjects = {
  invoke: (name: FunctionName) => `invoke.${name}`,
  wake: (name: FunctionName) => `wake.${name}`,
  deliver: (name: FunctionName | '*') => `deliver.${name}`,
  erase: (id: string) => `erase.${id}`,
  invocation: (name: StreamName) => `invocation.${name.function}.${name.stream}`,
  anyFunctionOf: (stream: StreamId) => `invocation.*.${stream}`,
  result: (name: FunctionName | '*', outcome: 'succeeded' | 'failed' | '*') => `result.${name}.${outcome}`,
  runs: (worker: string) => `worker.${worker}.runs`,
  cancel: (worker: string) => `worker.${worker}.cancel`,
  findRequest: () => 'scheduler.find',
  checkDestination: () => 'destinations.check',
  history: (question: string, instance?: string) => `${HISTORY_GROUP}.${question}${instance === undefined ? '' : `.${instance}`}`,
  signatures: () => 'sequent.signatures',
  disRecord: (stream: string) => `dis.${stream}`,
} as const;

const any = '*' as never;

/** A pattern for each of {@link subjects}. A subject without a pattern does not compile. */
export const SEQUENT_SUBJECTS: Readonly<Record<keyof typeof subjects, string>> = {
  invoke: subjects.invoke(any),
  wake: subjects.wake(any),
  deliver: subjects.deliver(any),
  erase: subjects.erase(any),
  invocation: subjects.invocation({ function: any, stream: any }),
  anyFunctionOf: subjects.anyFunctionOf(any),
  result: subjects.result(any, any),
  runs: subjects.runs(any),
  cancel: subjects.cancel(any),
  findRequest: subjects.findRequest(),
  checkDestination: subjects.checkDestination(),
  history: `${HISTORY_GROUP}.>`,
  signatures: subjects.signatures(),
  disRecord: subjects.disRecord(any),
};
