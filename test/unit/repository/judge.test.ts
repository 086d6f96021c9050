import { describe, expect, test } from 'vitest';
import { judge } from '#test/judge/judge.ts';
import { encodeEdn, readEvidence } from '#test/judge/recorded.ts';
import { faultsOfEvidence, faultsOfLogs } from '#test/support/judge/faults.ts';
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
});

test('the journal of the clients is written in the EDN form of Jepsen', () => {
  const [invoked, accepted] = encodeEdn(evidence.client).split('\n');
  expect(invoked).toBe('{:index 0, :time 0, :process 0, :type :invoke, :f :submit, :value {:function "plain", :ids []}}');
  expect(accepted).toMatch(
    /^\{:index 1, :time \d+, :process 0, :type :ok, :f :submit, :value \{:function "plain", :ids \["[^"]+" "[^"]+" "[^"]+"\]\}\}$/,
  );
});
