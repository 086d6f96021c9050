import type { Evidence, Execution, RawMessage } from '#src/judge/evidence.ts';
import type { Fact } from '#src/judge/read-lives.ts';
import type { Plant } from './plant.ts';

/** One fault in the evidence of `test/judge/recorded/every-kind.jsonl`, and the rule that the judge must name. */
export type PlantedFault = { fault: string; rule: string; plant: Plant };

/** Changes the facts of one type; by default of any function, and of the first such fact alone. */
function once(type: string, change: (fact: Fact) => Fact[], isMeant: (fact: Fact, fn: string) => boolean = () => true): Plant {
  return {
    facts() {
      let isDone = false;
      return (facts, fn) =>
        facts.flatMap((fact) => {
          if (isDone || fact.type !== type || !isMeant(fact, fn)) return [fact];
          isDone = true;
          return change(fact);
        });
    },
  };
}

const again = (fact: Fact): Fact[] => [fact, fact];
const of =
  (wanted: string) =>
  (_: Fact, fn: string): boolean =>
    fn === wanted;
const isChild = ({ headers }: RawMessage): boolean => headers.Lineage !== undefined;

/** Exchanges two lines of what the functions wrote. */
function exchanged<Item>(items: readonly Item[], one: number, other: number): Item[] {
  return items.map((item, index) => (index === one ? items[other] : index === other ? items[one] : item) as Item);
}

/** Faults that the log alone shows. */
export const faultsOfLogs: readonly PlantedFault[] = [
  { fault: 'a second outcome', rule: 'E4', plant: once('succeeded', (fact) => [fact, { ...fact, payload: '"other"' }], of('limited')) },
  { fault: 'a second notified', rule: 'E4', plant: once('notified', again) },
  {
    fault: 'an attempt after the outcome',
    rule: 'E4',
    plant: once('succeeded', (fact) => [fact, { ...fact, type: 'running', attempt: 9 }]),
  },
  {
    fault: 'notified before the delivery is settled',
    rule: 'D1',
    plant: once('succeeded', (fact) => [fact, { type: 'notified', invocation: fact.invocation, at: fact.at }], of('parent')),
  },
  { fault: 'a delivery that is delivered twice', rule: 'D1', plant: once('delivery.delivered', again) },
  { fault: 'an attempt that is left out', rule: 'E5', plant: once('running', (fact) => [{ ...fact, attempt: 2 }]) },
  { fault: 'an attempt that starts while the one before it runs', rule: 'E5', plant: once('retrying', () => []) },
  {
    fault: 'a result of another attempt',
    rule: 'E5',
    plant: once(
      'succeeded',
      (fact) => [{ ...fact, attempt: 1 }],
      ({ attempt }) => attempt === 2,
    ),
  },
  {
    fault: 'a retry that the policy does not grant',
    rule: 'E5',
    plant: once('running', (fact) => [{ ...fact, terms: { ...(fact.terms as object), maxRetries: 0 } }], of('plain')),
  },
  { fault: 'a retry before it is due', rule: 'T1', plant: once('retrying', (fact) => [{ ...fact, dueAt: fact.at + 3_600_000 }]) },
  {
    fault: 'a member of a group that starts',
    rule: 'DEB1',
    plant: once('debounce.joined', (fact) => [
      fact,
      { type: 'running', invocation: fact.invocation, at: fact.at, attempt: 1, worker: 'w', terms: {} },
    ]),
  },
  { fault: 'a request with two parts in groups', rule: 'DEB3', plant: once('debounce.joined', again) },
  { fault: 'a leader that does not name its member', rule: 'DEB3', plant: once('debounce.closed', (fact) => [{ ...fact, members: [] }]) },
  { fault: 'a batch that is sealed twice', rule: 'FAN1', plant: once('batch.sealed', again) },
  { fault: 'a batch that completes before its seal', rule: 'FAN2', plant: once('batch.sealed', () => []) },
  {
    fault: 'an append of a version that is not the last one',
    rule: 'E3',
    plant: { append: (append, sequence) => (append.previous > 0 && sequence > 40 ? { ...append, previous: append.previous - 1 } : append) },
  },
  {
    fault: 'an append with a wrong link',
    rule: 'LINK2',
    plant: { append: (append) => (append.previous > 0 ? { ...append, link: 'x' } : append) },
  },
];

/** Faults that the messages and the journals show together. */
export const faultsOfEvidence: readonly PlantedFault[] = [
  {
    fault: 'an acknowledged request that the log does not hold',
    rule: 'E4',
    plant: { message: (message) => (/\.delayed$/.test(message.subject) || message.headers['Request-Id'] === 'delayed' ? [] : [message]) },
  },
  {
    fault: 'an acknowledged request without an outcome',
    rule: 'E4',
    plant: { facts: () => (facts) => facts.filter(({ invocation }) => invocation !== 'delayed') },
  },
  {
    fault: 'a request that no client sent',
    rule: 'E4',
    plant: { other: ({ client }) => ({ client: client.filter(({ value }) => value.function !== 'limited') }) },
  },
  {
    fault: 'a refused request that the log holds',
    rule: 'A1',
    plant: {
      other: ({ client }) => ({ client: client.map((op) => (op.type === 'ok' && op.f === 'submit' ? { ...op, type: 'fail' } : op)) }),
    },
  },
  {
    fault: 'a start before the time that the client asked for',
    rule: 'T1',
    plant: {
      other: ({ client }) => ({
        client: client.map((op) => ({
          ...op,
          value: { ...op.value, ...(op.value.notBefore === undefined ? {} : { notBefore: op.value.notBefore + 60_000 }) },
        })),
      }),
    },
  },
  {
    fault: 'a client that saw another result',
    rule: 'E4',
    plant: {
      other: ({ client }) => ({
        client: client.map((op) => (op.f === 'result' ? { ...op, value: { ...op.value, payload: '"other"' } } : op)),
      }),
    },
  },
  { fault: 'an outcome without a result', rule: 'EXEC4', plant: { other: ({ results = [] }) => ({ results: results.slice(1) }) } },
  {
    fault: 'a result that differs from the outcome',
    rule: 'E4',
    plant: {
      other: ({ results = [] }) => ({ results: results.map((result) => ({ ...result, data: result.data.replaceAll('number', 'other') })) }),
    },
  },
  {
    fault: 'an attempt that is executed twice',
    rule: 'EXEC3',
    plant: { other: ({ executions = [] }) => ({ executions: [...executions, ...executions.slice(0, 1)] }) },
  },
  {
    fault: 'an execution before the time that the client asked for',
    rule: 'T1',
    plant: { other: ({ executions = [] }) => ({ executions: executions.map((line) => executedAt(line, 'delayed', 1)) }) },
  },
  {
    fault: 'an execution of a retry before it is due',
    rule: 'T1',
    plant: { other: ({ executions = [] }) => ({ executions: executions.map((line) => executedAt(line, undefined, 2)) }) },
  },
  {
    fault: 'an execution whose start is not in the log',
    rule: 'E1',
    plant: { other: ({ executions = [] }) => ({ executions: [...executions, { kind: 'start', id: 'delayed', attempt: 2 }] }) },
  },
  {
    fault: 'a success that nothing executed',
    rule: 'E1',
    plant: {
      other: ({ executions = [] }) => ({ executions: executions.filter((line) => line.kind === 'killed' || line.id !== 'delayed') }),
    },
  },
  {
    fault: 'more executions at one time than the limit',
    rule: 'SLOT2',
    plant: { other: ({ executions = [] }) => ({ executions: executions.filter(({ kind }) => kind !== 'end') }) },
  },
  { fault: 'a key whose requests are executed in another order', rule: 'SLOT7', plant: { other: reordered } },
  {
    fault: 'more starts than the rate',
    rule: 'RATE1',
    plant: {
      other: ({ expected = {} }) => ({
        expected: { ...expected, rated: { rate: { limit: 1, perInMs: 60_000, burst: 1, toleranceInMs: 0 } } },
      }),
    },
  },
  {
    fault: 'a delivery that starts a second invocation',
    rule: 'D1',
    plant: {
      message: (message) =>
        isChild(message)
          ? [
              message,
              {
                ...message,
                at: message.at + 1,
                headers: { ...message.headers, 'Request-Id': `${message.headers['Request-Id']?.slice(0, -1)}x` },
              },
            ]
          : [message],
    },
  },
  {
    fault: 'a child that got another outcome',
    rule: 'D1',
    plant: { message: (message) => (isChild(message) ? [{ ...message, data: message.data.replaceAll('number', 'other') }] : [message]) },
  },
  {
    fault: 'a batch that miscounts its members',
    rule: 'FAN2',
    plant: once(
      'succeeded',
      (fact) => [{ ...fact, payload: String(fact.payload).replace('"members":3', '"members":2') }],
      ({ payload }) => String(payload).includes('"members"'),
    ),
  },
];

type Results = NonNullable<Evidence['results']>;

/** Replaces the result of one request that succeeded by others, and numbers the results again. */
function resultsOfOne(replace: (result: RawMessage) => readonly RawMessage[]): NonNullable<Plant['other']> {
  return ({ results = [] }: Evidence) => {
    const index = results.findIndex(({ subject }) => subject.endsWith('.succeeded'));
    const chosen = results.slice(index, index + 1).flatMap(replace);
    const all: Results = [...results.slice(0, index), ...chosen, ...results.slice(index + 1)];
    return { results: all.map((result, place) => ({ ...result, sequence: place + 1 })) };
  };
}

/** The result of an attempt that the log does not hold. */
const returned = (result: RawMessage, text: string): RawMessage => ({
  ...result,
  data: JSON.stringify({ ...(JSON.parse(result.data) as object), response_payload: JSON.stringify(text) }),
});

const failedInstead = (result: RawMessage): RawMessage => ({
  ...returned(result, 'failed'),
  subject: result.subject.replace(/[^.]*$/, 'failed'),
});

/** What one power cut leaves of the results. The rule is the one that the judge names of the same evidence without a loss. */
export const tracesOfOneCut: readonly PlantedFault[] = [
  {
    fault: 'an old result before that of the outcome',
    rule: 'E4',
    plant: { other: resultsOfOne((result) => [returned(result, 'old'), result]) },
  },
  {
    fault: 'an old failure before the result of the outcome',
    rule: 'E4',
    plant: { other: resultsOfOne((result) => [failedInstead(result), result]) },
  },
  {
    fault: 'an old result that was published twice',
    rule: 'E4',
    plant: { other: resultsOfOne((result) => [returned(result, 'old'), returned(result, 'old'), result]) },
  },
  { fault: 'a missing result', rule: 'EXEC4', plant: { other: resultsOfOne(() => []) } },
];

/** What no single power cut leaves of the results. */
export const faultsDespiteOneCut: readonly PlantedFault[] = [
  {
    fault: 'another result behind that of the outcome',
    rule: 'E4',
    plant: { other: resultsOfOne((result) => [result, returned(result, 'other')]) },
  },
  {
    fault: 'another result alone',
    rule: 'E4',
    plant: { other: resultsOfOne((result) => [returned(result, 'other')]) },
  },
  {
    fault: 'two old results before that of the outcome',
    rule: 'E4',
    plant: { other: resultsOfOne((result) => [returned(result, 'old'), returned(result, 'older'), result]) },
  },
];

/** What two power cuts can leave: the second one took the result of the outcome, or a second outcome. */
export const tracesOfTwoCuts: readonly PlantedFault[] = faultsDespiteOneCut.slice(1);

/** The executions of an attempt, of every request without an id, as if they had started long ago. */
function executedAt(line: Execution, id: string | undefined, attempt: number): Execution {
  if (line.kind !== 'start' || line.attempt !== attempt || (id ?? line.id) !== line.id) return line;
  return { ...line, at: 0 };
}

function reordered({ executions = [], log }: Evidence): Partial<Evidence> {
  const ids = new Set(
    log.filter(({ subject }) => subject.startsWith('invocation.ordered.')).flatMap(({ data }) => data.match(/[0-9a-f-]{32}000[04]/g) ?? []),
  );
  const starts = executions.flatMap((line, index) => (line.kind === 'start' && ids.has(line.id) ? [index] : []));
  return { executions: exchanged(executions, starts[0] ?? 0, starts[1] ?? 0) };
}
