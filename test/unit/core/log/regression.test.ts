import { describe, expect, test } from 'vitest';
import { type Authority, confirmRegression } from '#src/core/log/losses/regression.ts';

const why = 'the log ends at 5, but it was folded up to 9';

/** Confirms a suspicion against these answers; `undefined` is an answer that shows the message. */
async function confirm(...answers: (Authority | undefined)[]): Promise<{ found: string | undefined; left: number; waitedInMs: number }> {
  let waitedInMs = 0;
  const sleep = async (ms: number): Promise<void> => {
    waitedInMs += ms;
  };
  const look = async () => {
    if (answers.length === 0) throw new Error('asked too often');
    const authority = answers.shift();
    return authority === undefined ? undefined : { why, authority };
  };
  const found = await confirmRegression(look, { clock: { sleep }, signal: new AbortController().signal });
  return { found, left: answers.length, waitedInMs };
}

const quorum = (count: number): Authority[] => Array.from({ length: count }, () => 'quorum');

describe('a log that seems to have gone backwards', () => {
  test('did so when a sole replica says it once (REG1)', async () => {
    expect(await confirm('sole', undefined)).toEqual({ found: why, left: 1, waitedInMs: 0 });
  });

  test('did so when a leader with a quorum says it six times, over 3.1 s (REG1)', async () => {
    expect(await confirm(...quorum(6), undefined)).toEqual({ found: why, left: 1, waitedInMs: 3_100 });
  });

  test.for([0, 1, 5])('did not when the message is found after %i such answers (REG2)', async (before) => {
    expect(await confirm(...quorum(before), undefined, 'sole')).toMatchObject({ found: undefined, left: 1 });
  });

  test('is asked further while the leader lacks a quorum, however often (REG3)', async () => {
    const isolated = Array.from({ length: 50 }, (): Authority => 'unproven');
    expect(await confirm(...isolated, undefined)).toMatchObject({ found: undefined, left: 0 });
    expect(await confirm(...isolated, ...quorum(5), ...isolated, 'quorum')).toMatchObject({ found: why, left: 0 });
  });

  test('is not asked after the signal has aborted', async () => {
    const look = () => expect.unreachable();
    expect(await confirmRegression(look, { clock: { sleep: async () => {} }, signal: AbortSignal.abort() })).toBeUndefined();
  });
});
