import type { StreamName } from '#src/core/log/event-log.ts';
import { type FunctionName, type StreamId, splitName } from './names.ts';

/**
 * The subjects of Sequent. No user may address them: the first token of each is reserved (`addressable.ts`). A subject that is added here is
 * thereby reserved.
 */

type FunctionTokens = { project: string | undefined; bare: string };
type ResultOutcome = 'succeeded' | 'failed' | '*';

/** The first token of the subjects of the history service. */
export const HISTORY_GROUP = 'history';

/**
 * The subjects of requests and results have a token for the project of a function, unless it is the own project. Permissions can therefore
 * name a project.
 */
export const subjects = {
  invoke: (name: FunctionName): string => (name.includes('=') ? subjects.invokeOf(splitName(name)) : `invoke.${name}`),
  invokeOf: ({ project, bare }: FunctionTokens) => `invoke.${project}.${bare}`,
  derived: (name: FunctionName) => `derived.${name}`,
  wake: (name: FunctionName) => `wake.${name}`,
  deliver: (name: FunctionName | '*') => `deliver.${name}`,
  erase: (id: string) => `erase.${id}`,
  invocation: (name: StreamName) => `invocation.${name.function}.${name.stream}`,
  anyFunctionOf: (stream: StreamId) => `invocation.*.${stream}`,
  result: (name: FunctionName, outcome: ResultOutcome): string =>
    name.includes('=') ? subjects.resultOf(splitName(name), outcome) : `result.${name}.${outcome}`,
  resultOf: ({ project, bare }: FunctionTokens, outcome: ResultOutcome) => `result.${project}.${bare}.${outcome}`,
  runs: (worker: string) => `worker.${worker}.runs`,
  cancel: (worker: string) => `worker.${worker}.cancel`,
  /** All workers hear it. A name of a worker never is `all`. */
  liveOutput: (name: FunctionName) => `worker.all.output.${name}`,
  /** All workers hear it: the function has a consumer. */
  work: (name: FunctionName | '*') => `worker.all.work.${name}`,
  findRequest: () => 'scheduler.find',
  /** Whether the schedulers open the consumers of all items of the log. */
  covered: () => 'scheduler.covered',
  checkDestination: () => 'destinations.check',
  askConnections: () => 'destinations.connections',
  history: (question: string, instance?: string) => `${HISTORY_GROUP}.${question}${instance === undefined ? '' : `.${instance}`}`,
  historyOf: (project: string, question: string) => `${HISTORY_GROUP}.project.${project}.${question}`,
  signatures: () => 'sequent.signatures',
  audit: (project: string) => `sequent.audit.${project}`,
  disRecord: (stream: string) => `dis.${stream}`,
} as const;

const any = '*' as never;
const anyOfProject: FunctionTokens = { project: any, bare: any };

/** A pattern for each of {@link subjects}. A subject without a pattern does not compile. */
export const SEQUENT_SUBJECTS: Readonly<Record<keyof typeof subjects, string>> = {
  invoke: subjects.invoke(any),
  invokeOf: subjects.invokeOf(anyOfProject),
  derived: subjects.derived(any),
  wake: subjects.wake(any),
  deliver: subjects.deliver(any),
  erase: subjects.erase(any),
  invocation: subjects.invocation({ function: any, stream: any }),
  anyFunctionOf: subjects.anyFunctionOf(any),
  result: subjects.result(any, any),
  resultOf: subjects.resultOf(anyOfProject, any),
  runs: subjects.runs(any),
  cancel: subjects.cancel(any),
  liveOutput: subjects.liveOutput(any),
  work: subjects.work(any),
  findRequest: subjects.findRequest(),
  covered: subjects.covered(),
  checkDestination: subjects.checkDestination(),
  askConnections: subjects.askConnections(),
  history: `${HISTORY_GROUP}.>`,
  historyOf: subjects.historyOf(any, any),
  signatures: subjects.signatures(),
  audit: subjects.audit(any),
  disRecord: subjects.disRecord(any),
};

/** Whether a pattern with wildcards of NATS matches a subject; both as tokens. */
export function matchesSubject(pattern: readonly string[], subject: readonly string[]): boolean {
  const endsInWildcard = pattern.at(-1) === '>';
  if (endsInWildcard ? subject.length < pattern.length : subject.length !== pattern.length) return false;
  return pattern.every((token, index) => token === '*' || token === '>' || token === subject[index]);
}

/** All results of all functions. */
export const ALL_RESULTS = 'result.>';

/** On which `sequent storm` answers executions of its functions. The tag is a random one of the storm. */
export const stormSubject = (tag: string): string => `fn.sequent-storm.${tag}`;
