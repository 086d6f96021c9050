import { describe, expect, test } from 'vitest';
import type { Examined } from '#src/cli/commands/doctor/examined.ts';
import { judge, judgeVersion } from '#src/cli/commands/doctor/findings.ts';
import { durabilityOf } from '#src/cli/durability.ts';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import type { ConsumerFacts, Inspection } from '#src/nats/inspection.ts';

const stream = (name: string) => ({
  name,
  exists: true as const,
  messages: 1,
  firstSequence: 1,
  bytes: 1,
  subjects: 1,
  consumers: 1,
  maxConsumers: 100,
  storage: 'file',
  replicas: 1,
  lastSequence: 1,
  hasLeader: true,
  maxBytes: undefined,
  isAdmitting: true,
  refusesWhenFull: true,
  lossy: [],
});

const inspection: Inspection = {
  server: { url: 'x', name: 'x', version: '2.12.15', maxPayloadInBytes: 1_048_576, roundTripInMs: 1, clockAheadInMs: 0 },
  storage: { usedInBytes: 0, limitInBytes: undefined },
  streams: [stream('INVOCATIONS'), stream('RESULTS')],
  consumers: [],
  scheduler: true,
};

const hello = {
  definition: parseDefinition({ name: 'hello', handler: { kind: 'subject', subject: 'hello' } }),
  revision: 1,
  ...{ version: 'latest', versions: [], aliases: [] },
};
const consumer: ConsumerFacts = { name: 'fn-hello', pending: 0, unacknowledged: 0, redelivered: 0, waiting: 1 };

const healthy: Examined = {
  inspection,
  durability: durabilityOf('100ms'),
  registry: { functions: [] },
  missingFiles: [],
};

function problemsOf(part: Partial<Inspection>, others: Partial<Examined> = {}): string[] {
  return judge({ ...healthy, inspection: { ...inspection, ...part }, ...others })
    .filter(({ level }) => level === 'problem')
    .map(({ check }) => check);
}

describe('the doctor', () => {
  test('finds no problem in a healthy system', () => {
    expect(problemsOf({ consumers: [consumer] }, { registry: { functions: [hello] } })).toEqual([]);
  });

  test('says in one sentence what the set-up can lose, by its copies and by its syncs', () => {
    const lossOf = (replicas: number, fsync: Parameters<typeof durabilityOf>[0]) => {
      const streams = [{ ...stream('INVOCATIONS'), replicas }];
      const found = judge({ ...healthy, inspection: { ...inspection, streams }, durability: durabilityOf(fsync) });
      return found.find(({ check }) => check === 'can lose')?.seen;
    };
    expect(lossOf(1, 'always')).toMatch(/^1 copy: the loss of its disk .*; a power cut loses nothing$/);
    expect(lossOf(1, '100ms')).toMatch(/^1 copy: a power cut loses the messages of the last 100 ms;/);
    expect(lossOf(1, 'default')).toMatch(/^1 copy: a power cut loses the messages of up to the last 2 minutes;/);
    expect(lossOf(3, undefined)).toMatch(/^3 copies: a power cut of 2 servers, .* loses the messages since the last sync/);
    expect(lossOf(5, 'always')).toBe('5 copies: the loss of 3 disks loses the log; a power cut loses nothing');
  });

  test('has one line for each way in which the workers isolate the code of other projects', () => {
    const worker = (isolation: string) => ({ instance: 'i', roles: ['worker'], version: '1', host: 'h', pid: 1, startedAt: 1, isolation });
    const instances = ['namespaces: own', 'namespaces: own', 'missing: refused'].map(worker);
    const found = judge({ ...healthy, instances }).filter(({ check }) => check === 'isolation');
    expect(found.map(({ level, seen }) => [level, seen])).toEqual([
      ['ok', 'namespaces: own'],
      ['note', 'missing: refused'],
    ]);
  });

  test('names the versions of a rolling upgrade, and the slots that executions hold', () => {
    const one = { instance: 'i', roles: ['worker'], version: '0.9.0', host: 'h', pid: 7, startedAt: 0, heldSlots: 2, slots: 20 };
    const foundIn = (instances: NonNullable<Examined['instances']>, check: string) =>
      judge({ ...healthy, instances })
        .filter((finding) => finding.check === check)
        .map(({ level, seen, remedy }) => [level, seen, remedy]);
    expect(foundIn([one, one], 'versions')).toEqual([['ok', 'every process runs 0.9.0', undefined]]);
    expect(foundIn([one, { ...one, version: '0.10.0' }, one], 'versions')).toEqual([
      ['note', 'processes run several versions: 0.10.0 (1), 0.9.0 (2)', 'start the processes of 0.9.0 again with 0.10.0'],
    ]);
    const { slots: _, heldSlots: __, ...gateway } = one;
    expect(foundIn([one, one, gateway], 'load')).toEqual([['ok', '4 of 40 slots of 2 worker processes are in use', undefined]]);
    expect(foundIn([gateway], 'load')).toEqual([]);
  });

  test('names processes without the keys of a project, and functions that got requests in plain text', () => {
    const one = { instance: 'i', roles: ['worker'], version: '1', host: 'h', pid: 7, startedAt: 0 };
    const plainRequests = [{ function: 'shop=orders', requests: 2, isAtLeast: false, latest: 1e12 }];
    const found = judge({ ...healthy, instances: [one, { ...one, missingKeys: ['shop'] }], plainRequests });
    expect(found.filter(({ level }) => level === 'problem')).toMatchObject([
      { check: 'encryption', seen: expect.stringContaining('worker (process 7 on h) has no key for the payloads of shop') },
      {
        check: 'function shop=orders',
        seen: expect.stringContaining('2 requests came in plain text'),
        remedy: expect.stringContaining('sequent purge --function shop=orders'),
      },
    ]);
  });

  test('names each file that a running process cannot use, with its process and what to do (FILE2)', () => {
    const one = { instance: 'i', roles: ['gateway'], version: '1', host: 'h', pid: 7, startedAt: 0 };
    const fileProblems = ['the credentials of HTTP changed, but the content before is still in use: c.json is not JSON'];
    expect(judge({ ...healthy, instances: [one, { ...one, fileProblems }] }).filter(({ check }) => check === 'files')).toEqual([
      {
        level: 'problem',
        check: 'files',
        seen: `${fileProblems[0]} (process 7 on h)`,
        remedy: expect.stringContaining('correct the file'),
      },
    ]);
  });

  test.for([
    ['2.9.25', 'problem'],
    ['1.4.1', 'problem'],
    ['2.10.27', 'note'],
    ['2.11.0', 'note'],
    ['2.12.0-RC.1', 'ok'],
    ['3.0.0', 'ok'],
  ] as const)('judges server %s as %s', ([version, level]) => {
    expect(judgeVersion(version).level).toBe(level);
  });

  test('names a missing stream, and a stream without a leader', () => {
    const streams = [
      { name: 'INVOCATIONS', exists: false as const, isMissing: true, why: 'stream not found' },
      { ...stream('RESULTS'), hasLeader: false },
    ];
    expect(problemsOf({ streams })).toEqual(['stream INVOCATIONS', 'stream RESULTS']);
  });

  test('calls no stream missing and no function invalid that NATS did not return', () => {
    const streams = [{ name: 'KV_SEQUENT_FUNCTIONS', exists: false as const, isMissing: false, why: 'TIMEOUT' }];
    const found = judge({ ...healthy, inspection: { ...inspection, streams }, registry: { why: 'TIMEOUT', isUnread: true } });
    expect(found.filter(({ level }) => level === 'problem').map(({ check, seen, remedy }) => [check, seen, remedy])).toEqual([
      ['stream KV_SEQUENT_FUNCTIONS', 'cannot be read (TIMEOUT)', expect.stringContaining('docs/operations.md#lost-quorum')],
      ['functions', 'cannot be read (TIMEOUT)', 'see the finding of stream KV_SEQUENT_FUNCTIONS'],
    ]);
  });

  test('warns of a stream with nearly all of its consumers, and calls a stream with all of them a problem', () => {
    const levelsWith = (consumers: number) => {
      const found = judge({
        inspection: { ...inspection, streams: [{ ...stream('INVOCATIONS'), consumers }] },
        ...{ durability: durabilityOf(undefined), registry: { why: 'x' }, missingFiles: [] },
      });
      return found.filter(({ check }) => check === 'stream INVOCATIONS').map(({ level, seen }) => [level, seen]);
    };
    expect(levelsWith(79)).toMatchObject([['ok', expect.anything()]]);
    expect(levelsWith(80)).toMatchObject([['note', expect.stringContaining('80 of at most 100 consumers')]]);
    expect(levelsWith(100)).toMatchObject([['problem', expect.anything()]]);
  });

  test('calls a log that refuses requests a problem', () => {
    expect(problemsOf({ streams: [{ ...stream('INVOCATIONS'), isAdmitting: false }] })).toEqual(['stream INVOCATIONS']);
  });

  test('reports replicas that differ, and not a replica that was skipped', () => {
    const replica = { server: 'n0', messages: 10, first: 1, hash: 'a' };
    const compared = {
      leader: 'n0',
      upTo: 10,
      replicas: [replica, { ...replica, server: 'n1' }],
      skipped: [{ server: 'n2', why: 'it is offline' }],
    };
    expect(problemsOf({}, { replicas: { ...compared, isEqual: true } })).toEqual([]);
    expect(problemsOf({}, { replicas: { ...compared, isEqual: false } })).toEqual(['replicas']);
    expect(problemsOf({}, { replicas: 'one replica' })).toEqual([]);
  });

  test('reports a missing scheduler', () => {
    expect(problemsOf({ scheduler: false })).toEqual(['scheduler']);
  });

  test('reports clocks that differ, in either direction', () => {
    const server = (clockAheadInMs: number) => ({ server: { ...inspection.server, clockAheadInMs } });
    expect([problemsOf(server(60_000)), problemsOf(server(-60_000)), problemsOf(server(2_000))]).toEqual([['clocks'], ['clocks'], []]);
  });

  test('reports the clock of a process, and one that takes no work for it', () => {
    const one = { instance: 'i', roles: ['worker'], version: '0', host: 'h', pid: 7, startedAt: 0 };
    const clockOf = (clock: { clockAheadInMs?: number; clockUncertaintyInMs?: number; takesWork: boolean }) =>
      judge({ ...healthy, instances: [{ ...one, ...clock }] }).filter(({ check }) => check === 'clock of h');
    expect(clockOf({ clockAheadInMs: 1_400, clockUncertaintyInMs: 500, takesWork: true })).toEqual([]);
    expect(clockOf({ clockAheadInMs: -3_600_000, clockUncertaintyInMs: 2, takesWork: true })).toMatchObject([
      { level: 'note', seen: "1 h behind the server (worker, process 7): it uses the server's time" },
    ]);
    expect(clockOf({ clockAheadInMs: 9e8, clockUncertaintyInMs: 2, takesWork: false })).toMatchObject([{ level: 'problem' }]);
    expect(clockOf({ takesWork: true })).toEqual([]);
    expect(clockOf({ takesWork: false })).toMatchObject([{ level: 'problem', seen: expect.stringContaining('did not send its time') }]);
  });

  test('reports a circuit once for all processes, with its state, its last failure and a remedy', () => {
    const one = { instance: 'i', roles: ['destinations'], version: '0', host: 'h', pid: 7, startedAt: 0 };
    const circuit = {
      deliverer: 'd-1',
      function: 'orders',
      target: 'HTTP https://x',
      state: 'open' as const,
      openUntil: Date.UTC(2026, 0, 1),
      failures: 12,
      reason: 'no answer',
    };
    const found = (circuits: readonly CircuitState[], omittedCircuits = 0) =>
      judge({ ...healthy, instances: [{ ...one, circuits, omittedCircuits }, one] }).filter(({ check }) => check.startsWith('circuit'));
    expect(found([])).toEqual([]);
    expect(found([circuit, { ...circuit, deliverer: 'd-2' }])).toEqual([
      {
        level: 'problem',
        check: 'circuit of orders',
        seen: 'the circuit of HTTP https://x for orders is open until 2026-01-01T00:00:00.000Z; 12 failures in a row; last: no answer',
        remedy: expect.stringContaining('repair the target'),
      },
    ]);
    expect(found([{ ...circuit, state: 'half-open', failures: 0 }])).toMatchObject([{ level: 'note' }]);
    expect(found([circuit], 3)[1]).toMatchObject({ level: 'problem', seen: '3 more circuits are not closed' });
  });

  test('reports a server that refuses large requests, and an almost full storage', () => {
    expect(problemsOf({ server: { ...inspection.server, maxPayloadInBytes: 65_536 } })).toEqual(['max payload']);
    expect(problemsOf({ storage: { usedInBytes: 99, limitInBytes: 100 } })).toEqual(['storage']);
  });

  test('reports work that waits without a worker, and not work in flight', () => {
    const registry = { functions: [hello] };
    expect(problemsOf({ consumers: [{ ...consumer, waiting: 0, pending: 3 }] }, { registry })).toEqual(['worker for hello']);
    expect(problemsOf({ consumers: [{ ...consumer, waiting: 0, pending: 3, unacknowledged: 20 }] }, { registry })).toEqual([]);
    expect(problemsOf({ consumers: [{ ...consumer, pending: 3 }] }, { registry })).toEqual([]);
  });

  test('names a pause, full workers, and what the platform cannot run', () => {
    const instances = [{ instance: 'i', roles: ['worker'], version: '1', host: 'h', pid: 1, startedAt: 1 }];
    const pausedHello = { ...hello, definition: { ...hello.definition, paused: true } };
    const findingOf = (queue: Partial<ConsumerFacts>, fn: typeof hello, others: Partial<Examined> = {}) =>
      judge({
        ...healthy,
        inspection: { ...inspection, consumers: [{ ...consumer, waiting: 0, ...queue }] },
        registry: { functions: [fn] },
        instances,
        ...others,
      }).at(-1);
    expect(findingOf({ pending: 3 }, pausedHello)).toEqual({
      level: 'note',
      check: 'function hello',
      seen: '3 waiting, 0 in flight: hello is paused and starts no attempt',
      remedy: 'sequent fn resume hello',
    });
    expect(findingOf({ pending: 3, unacknowledged: 20 }, hello)).toMatchObject({
      level: 'note',
      seen: expect.stringContaining('all slots'),
    });
    const failing = [{ function: 'hello', invocations: 1, isAtLeast: false, failures: 45, since: 0, error: 'no responder' }];
    expect(findingOf({}, hello, { failing })).toMatchObject({
      level: 'problem',
      check: 'function hello',
      seen: expect.stringMatching(/^the platform cannot run 1 invocation: up to 45 failures of one since .*; no responder$/),
      remedy: 'start a responder on the subject hello',
    });
  });

  test('reports a registry that cannot be read', () => {
    expect(problemsOf({}, { registry: { why: 'function x is not valid' } })).toEqual(['functions']);
  });

  test('gives a remedy for every problem', () => {
    const examined: Examined = {
      inspection: { ...inspection, scheduler: false, streams: [{ name: 'INVOCATIONS', exists: false, isMissing: true, why: 'x' }] },
      durability: durabilityOf(undefined),
      registry: { why: 'x' },
      missingFiles: [],
    };
    for (const { level, remedy } of judge(examined)) if (level !== 'ok') expect(remedy).toBeTruthy();
  });
});

describe('the account of Sequent', () => {
  const about = (account: Examined['account']) => judge({ ...healthy, account }).filter(({ check }) => check === 'account of clients');

  test('is a problem while users share it, a note without users, and otherwise says which one it is (ACC1)', () => {
    const found = [true, false].flatMap((hasUsers) => about({ name: '$G', isGlobal: true, hasUsers }));
    expect(found.map(({ level, remedy }) => `${level}: ${remedy}`).join('\n')).toMatch(/^problem: .*--plan.*\nnote: .*asks nobody/);
    expect(about({ name: 'SEQUENT', isGlobal: false, hasUsers: true })).toMatchObject([{ level: 'ok' }]);
    expect(about(undefined)).toEqual([]);
  });
});
