import { describe, expect, test } from 'vitest';
import type { Evidence, Execution, RawMessage } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { eventFor, expectedOfStorm, FUNCTIONS } from '#test/support/cluster/load-functions.ts';
import { plant } from '#test/support/judge/plant.ts';

const BEGIN = 1_796_000_000_000;
const PID = 4_711;

/** `fn` with its key, if any: a request of it starts an attempt, or its attempt ends. Steps are so many milliseconds apart. */
type Step = { fn: string; key?: string; id: string; what: 'request' | 'starts' | 'is lost' | 'ends' };
type Record = { steps: readonly Step[]; everyMs: number };

function logOf({ steps, everyMs }: Record): RawMessage[] {
  const requests = new Map<string, number>();
  const attempts = new Map<string, number>();
  return steps.map(({ fn, key = 'k', id, what }, index) => {
    const sequence = index + 1;
    const at = BEGIN + sequence * everyMs;
    if (what === 'request') {
      requests.set(id, sequence);
      return { sequence, at, subject: `invoke.${fn}`, headers: { 'Request-Id': id }, data: JSON.stringify({ key }) };
    }
    if (what === 'starts') attempts.set(id, (attempts.get(id) ?? 0) + 1);
    const attempt = attempts.get(id);
    const common = { invocation: id, at, attempt };
    const fact = {
      starts: { type: 'running', ...common, worker: `worker-${PID}-a`, ...(attempt === 1 ? { terms: { maxRetries: 0 } } : {}) },
      'is lost': { type: 'retrying', ...common, dueAt: at, failure: { kind: 'lost', errorType: 'ExecutionLost' } },
      ends: { type: 'succeeded', ...common, payload: '1' },
    }[what];
    const data = JSON.stringify({ previous: 0, request: requests.get(id), facts: [fact] });
    return { sequence, at, subject: `invocation.${fn}.${id}`, headers: {}, data };
  });
}

/** The executions that the functions of such a log write down. */
function executionsOf({ steps }: Record): Execution[] {
  const attempts = new Map<string, number>();
  return steps.flatMap(({ id, what }): Execution[] => {
    if (what === 'starts') attempts.set(id, (attempts.get(id) ?? 0) + 1);
    const attempt = attempts.get(id) ?? 0;
    if (what === 'starts') return [{ kind: 'start', id, attempt }];
    return what === 'ends' ? [{ kind: 'end', id, attempt }] : [];
  });
}

const evidenceOf = (record: Record): Evidence => ({
  ...plant({ log: logOf(record), client: [], expected: expectedOfStorm }, {}),
  executions: executionsOf(record),
});

type Group = { fn: string; key?: string };

/** So many requests of each function and key, which all start before the first one ends. */
function atOnce(...groups: readonly (Group & { count: number })[]): Record {
  const requests = groups.flatMap(({ count, ...of }, group) =>
    Array.from({ length: count }, (_, index) => ({ ...of, id: `${group}-${index}` })),
  );
  const steps = (['request', 'starts', 'ends'] as const).flatMap((what) => requests.map((one): Step => ({ ...one, what })));
  return { steps, everyMs: 1_000 };
}

const keys = (count: number, each: number): (Group & { count: number })[] =>
  Array.from({ length: count }, (_, index) => ({ fn: 'keyed', key: `key-${index}`, count: each }));

/** A full limit, and the same with one more. */
const limits: readonly { limit: string; kept: Record; broken: Record; said: string }[] = [
  { limit: 'a key', kept: atOnce(...keys(1, 2)), broken: atOnce(...keys(1, 3)), said: '3 of keyed key-0' },
  {
    limit: 'all keys of a function',
    kept: atOnce(...keys(8, 2)),
    broken: atOnce(...keys(8, 2), { fn: 'keyed', key: 'last', count: 1 }),
    said: '17 of all keys of keyed',
  },
  {
    limit: 'a function with priorities',
    kept: atOnce({ fn: 'urgent', count: 12 }),
    broken: atOnce({ fn: 'urgent', count: 13 }),
    said: '13 of urgent',
  },
  {
    limit: 'a function of a pool',
    kept: atOnce({ fn: 'pooled', count: 16 }),
    broken: atOnce({ fn: 'pooled', count: 17 }),
    said: '17 of pooled',
  },
  {
    limit: 'a pool',
    kept: atOnce({ fn: 'pooled', count: 10 }, { fn: 'neighbour', count: 10 }),
    broken: atOnce({ fn: 'pooled', count: 10 }, { fn: 'neighbour', count: 11 }),
    said: '21 of the pool shared',
  },
];

const rulesOf = (problems: readonly string[]): string[] => [...new Set(problems.map((problem) => problem.split(':')[0] ?? ''))];

describe('the evidence of a storm', () => {
  test('names what is expected of each function that single requests invoke', () => {
    expect(Object.keys(expectedOfStorm)).toEqual(expect.arrayContaining([...new Set(FUNCTIONS)]));
    for (const { key } of Object.values(expectedOfStorm)) if (key !== undefined) expect(eventFor('keyed', 1, () => 0)).toHaveProperty(key);
  });

  test.for(limits)('has no finding for a full limit of $limit, and names SLOT2 for one more', ({ kept, broken, said }) => {
    expect(judge(evidenceOf(kept))).toEqual([]);
    const { executions = [], ...log } = evidenceOf(broken);
    const found = judge(log);
    expect(rulesOf(found)).toEqual(['SLOT2']);
    expect(found.join()).toContain(said);
    // Within the log, the attempts run one after another. The functions say otherwise.
    const ofKept = { steps: broken.steps.filter(({ what }) => what === 'request'), everyMs: 1_000 };
    const inTurn = broken.steps.flatMap((one): Step[] => (one.what === 'starts' ? [one, { ...one, what: 'ends' }] : []));
    const doubled = judge({ ...evidenceOf({ ...ofKept, steps: [...ofKept.steps, ...inTurn] }), executions });
    expect(rulesOf(doubled)).toEqual(['SLOT2']);
    expect(doubled.join()).toContain('executions');
  });

  const [one, other] = [
    { fn: 'ordered', key: 'k', id: 'one' },
    { fn: 'ordered', key: 'k', id: 'other' },
  ];
  const inOrder: Step[] = [one, other].map((of) => ({ ...of, what: 'request' }));
  const runs = (of: typeof one): Step[] => (['starts', 'ends'] as const).map((what) => ({ ...of, what }));

  test('has no finding for a key in order, and names SLOT7 for a swapped one', () => {
    expect(judge(evidenceOf({ steps: [...inOrder, ...runs(one), ...runs(other)], everyMs: 1_000 }))).toEqual([]);
    const { executions: _, ...log } = evidenceOf({ steps: [...inOrder, ...runs(other), ...runs(one)], everyMs: 1_000 });
    expect(rulesOf(judge(log))).toEqual(['SLOT7']);
    const executions = executionsOf({ steps: [...runs(other), ...runs(one)], everyMs: 1_000 });
    const swapped = { ...evidenceOf({ steps: [...inOrder, ...runs(one), ...runs(other)], everyMs: 1_000 }), executions };
    expect(rulesOf(judge(swapped))).toEqual(['SLOT7']);
  });

  test('lets a lost attempt of a key in order start again before a later request', () => {
    const lost = (['starts', 'is lost', 'starts', 'ends'] as const).map((what) => ({ ...one, what }));
    expect(judge(evidenceOf({ steps: [...inOrder, ...lost, ...runs(other)], everyMs: 1_000 }))).toEqual([]);
  });

  test('has no finding for starts at the rate, and names RATE1 for starts at its double', () => {
    const { limit = 0, perInMs = 0 } = expectedOfStorm.rated?.rate ?? {};
    const ids = Array.from({ length: 300 }, (_, index) => ({ fn: 'rated', id: `rated-${index}` }));
    // Two messages for each attempt: its start, and its end.
    const steps = [...ids.map((of): Step => ({ ...of, what: 'request' })), ...ids.flatMap((of) => runs({ ...of, key: 'k' }))];
    expect(judge(evidenceOf({ steps, everyMs: perInMs / limit / 2 }))).toEqual([]);
    expect(rulesOf(judge(evidenceOf({ steps, everyMs: perInMs / limit / 4 })))).toEqual(['RATE1']);
  });

  test('counts no execution of a worker that was killed before', () => {
    const { executions = [], ...log } = evidenceOf(atOnce({ fn: 'urgent', count: 12 }));
    const later = evidenceOf(atOnce({ fn: 'urgent', count: 13 }));
    expect(judge({ ...log, executions })).toEqual([]);
    const { log: messages } = plant(later, {
      facts: () => (facts) =>
        facts.map((fact) => (fact.type === 'running' && fact.invocation !== '0-12' ? { ...fact, worker: 'worker-1-b' } : fact)),
    });
    const lines = later.executions ?? [];
    const startsAfterKill = [{ kind: 'killed' as const, pid: PID }, ...lines];
    const said = judge({ ...later, log: messages, executions: startsAfterKill });
    expect(said.filter((problem) => problem.includes('executions'))).toEqual([]);
    expect(judge({ ...later, log: messages }).filter((problem) => problem.includes('executions'))).not.toEqual([]);
  });
});
