import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Evidence } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { encodeEdn } from '#src/judge/write-evidence.ts';
import { readEvidence } from '#test/judge/recorded.ts';
import { faultsDespiteOneCut, faultsOfEvidence, faultsOfLogs, tracesOfOneCut, tracesOfTwoCuts } from '#test/support/judge/faults.ts';
import { plant } from '#test/support/judge/plant.ts';

const evidence = readEvidence(new URL('../../judge/recorded/every-kind.jsonl', import.meta.url).pathname);

describe('the judge', () => {
  test('finds every promise kept in the recorded evidence, also when its appends are linked again', () => {
    expect(judge(evidence)).toEqual([]);
    expect(judge(plant(evidence, {}))).toEqual([]);
  });

  test.for([...faultsOfLogs, ...faultsOfEvidence])('names the rule that is broken by $fault', ({ rule, plant: fault }) => {
    const problems = judge(plant(evidence, fault));
    expect(problems.filter((problem) => problem.startsWith(`${rule}: `))).not.toEqual([]);
  });

  test('accepts a missing acknowledged request when the evidence says that a power cut took messages', () => {
    const lossy = plant(evidence, faultsOfEvidence[0]?.plant ?? {});
    expect(judge(lossy)).not.toEqual([]);
    expect(judge({ ...lossy, isLossy: true })).toEqual([]);
  });

  test.for(tracesOfOneCut)('accepts $fault after a power cut, and names its rule without one', ({ rule, plant: trace }) => {
    const left = plant(evidence, trace);
    expect(judge(left).map((problem) => problem.split(':')[0])).toEqual([rule]);
    expect(judge({ ...left, isLossy: true })).toEqual([]);
  });

  test.for(faultsDespiteOneCut)('refuses $fault also after a power cut', ({ rule, plant: fault }) => {
    const problems = judge({ ...plant(evidence, fault), isLossy: true });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([rule]);
  });

  test.for(tracesOfTwoCuts)('accepts $fault after two power cuts', ({ plant: trace }) => {
    expect(judge({ ...plant(evidence, trace), isLossy: true, cuts: 2 })).toEqual([]);
  });

  test('refuses another result behind that of the outcome after any number of power cuts', () => {
    const [fault] = faultsDespiteOneCut;
    expect(judge({ ...plant(evidence, fault?.plant ?? {}), isLossy: true, cuts: 9 })).toHaveLength(1);
  });
});

test.for([
  ['docs/proof.md', /It refuses (\d+)\s+pieces of evidence/],
  ['docs/zh/proof.md', /它能拒绝 (\d+) 份各植入一处错误的证据/],
] as const)('%s says how many planted faults the judge refuses', ([document, said]) => {
  const refused = [...faultsOfLogs, ...faultsOfEvidence, ...tracesOfOneCut, ...faultsDespiteOneCut];
  const text = readFileSync(new URL(`../../../${document}`, import.meta.url), 'utf8');
  expect(Number(said.exec(text)?.[1])).toBe(refused.length);
});

test('an execution of an attempt that the log gave up counts for no limit, and any other one does', () => {
  const withoutEnds = { other: ({ executions = [] }: Evidence) => ({ executions: executions.filter(({ kind }) => kind !== 'end') }) };
  const isOverLimit = (failure: object): boolean => {
    const failed = plant(evidence, {
      ...withoutEnds,
      facts: () => (facts, fn) => facts.map((fact) => (fn === 'limited' && fact.attempt !== undefined ? { ...fact, failure } : fact)),
    });
    return judge(failed).some((problem) => /^SLOT2: .* executions of limited /.test(problem));
  };
  expect(isOverLimit({ kind: 'function', errorType: 'Error' })).toBe(true);
  expect(isOverLimit({ kind: 'function', errorType: 'InvocationTimedOut' })).toBe(false);
  expect(isOverLimit({ kind: 'lost', errorType: 'ExecutionLost' })).toBe(false);
});

test.for(['every-kind', 'storm'])('the recorded history %s holds every promise, and its EDN form is kept beside it', (name) => {
  const file = new URL(`../../judge/recorded/${name}`, import.meta.url).pathname;
  const recorded = readEvidence(`${file}.jsonl`);
  expect(judge(recorded)).toEqual([]);
  expect(readFileSync(`${file}.edn`, 'utf8')).toBe(encodeEdn(recorded.client));
});

test('the journal of the clients is written in the EDN form of Jepsen', () => {
  const [invoked, accepted] = encodeEdn(evidence.client).split('\n');
  expect(invoked).toBe('{:index 0, :time 0, :process 0, :type :invoke, :f :submit, :value {:function "plain", :ids []}}');
  expect(accepted).toMatch(
    /^\{:index 1, :time \d+, :process 0, :type :ok, :f :submit, :value \{:function "plain", :ids \["[^"]+" "[^"]+" "[^"]+"\]\}\}$/,
  );
});
