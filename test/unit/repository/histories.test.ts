import { describe, expect, test } from 'vitest';
import { factTypes } from '#machines/fact-types.ts';
import { invocationFolder } from '#machines/invocation.ts';
import { checkGolden } from '#src/cli/golden/check-golden.ts';
import { foldGolden } from '#src/cli/golden/golden-history.ts';
import { VERSION } from '#src/client/version.ts';
import { waitKindOf, waitKinds } from '#src/core/flow/wait-kind.ts';
import { NO_POLICY, type Policy } from '#src/core/functions/definition.ts';
import { initialState } from '#src/core/stream/stream.ts';
import { readGoldenFile, readRecording, recordings } from '#test/support/histories/recorded-histories.ts';

/*
 * Every later version must read the log of a released version. A file holds one stream of the log byte for byte, and the states that the
 * stream folds to. Files are added, and never changed.
 */

describe.for(recordings)('the recorded history %s', (file) => {
  const golden = readGoldenFile(file);

  test('can be read, and folds to the states that it recorded', () => {
    expect(golden.states).not.toEqual({});
    expect(checkGolden(golden, new Map())).toEqual({ differences: [], undecided: 0 });
  });

  test('holds no fact that the machine refuses', () => {
    const { message, appends } = foldGolden(golden);
    const lives = new Map(initialState(message).invocations);
    for (const { facts } of appends) {
      for (const fact of facts) {
        const before = lives.get(fact.invocation);
        const step = before === undefined ? undefined : invocationFolder.step(before, fact);
        expect(step, `${fact.type} of ${fact.invocation}`).toBeDefined();
        if (step !== undefined) lives.set(fact.invocation, step.snapshot);
      }
    }
  });
});

/** Histories are recorded at a release. Until the next one, the newest folder holds also the facts that were added since. */
const recordedVersion = VERSION.includes('-dev')
  ? (recordings
      .map((file) => file.split('/')[0] ?? '')
      .filter((name) => /^[\d.]+$/.test(name))
      .sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))[0] ?? '')
  : VERSION;

test('the histories of the present version are recorded, and hold every type of fact', () => {
  const present = recordings.filter((file) => file.startsWith(`${recordedVersion}/`));
  const recorded = present.flatMap((file) => readRecording(file).histories.flatMap(({ transitions }) => transitions));
  expect([...new Set(recorded.map(({ fact }) => fact.type))].sort(), 'npm run record-histories').toEqual([...factTypes].sort());
});

test('the histories of the present version hold a wait of every kind, and one by priority', () => {
  const present = recordings.filter((file) => file.startsWith(`${recordedVersion}/`));
  const waits = present
    .flatMap((file) => readRecording(file).histories.flatMap(({ transitions }) => transitions))
    .flatMap(({ fact }) => (fact.type === 'deferred' ? [fact.flow] : []));
  expect([...new Set(waits.map(waitKindOf))].sort()).toEqual([...waitKinds].sort());
  expect(waits.filter(({ priority }) => priority !== undefined)).toHaveLength(1);
});

describe('a check of a golden history', () => {
  const file = recordings.find((one) => one.includes('retries-exhausted')) ?? '';
  const golden = readGoldenFile(file);
  const [id = ''] = Object.keys(golden.states);
  const name = foldGolden(golden).histories[0]?.function ?? '';

  test('names each field that the installed version folds to another value', () => {
    const recorded = { ...golden, states: { [id]: { ...golden.states[id], attempts: 99, value: 'running' } } };
    const { differences } = checkGolden(recorded, new Map());
    expect(differences.map(({ of, what }) => [of, what.split(' ')[0]])).toEqual([
      ['version', 'value'],
      ['version', 'attempts'],
    ]);
  });

  test('names an append that the installed version cannot read', () => {
    const damaged = { ...golden, appends: golden.appends.map((one, index) => (index === 0 ? { ...one, append: { v: 1 } } : one)) };
    const { differences } = checkGolden(damaged, new Map());
    expect(differences.map(({ what }) => what)).toContain(`the append ${golden.appends[0]?.sequence} cannot be read`);
  });

  test('names an invocation that ends differently under the present policy of its function', () => {
    const without: Policy = { ...NO_POLICY, maxRetries: 0 };
    const { differences } = checkGolden(golden, new Map([[name, without]]));
    expect(differences).toEqual([{ invocation: id, of: 'policy', what: expect.stringContaining('and would have failed') }]);
    expect(checkGolden(golden, new Map([['another', without]]))).toEqual({ differences: [], undecided: 0 });
  });
});
