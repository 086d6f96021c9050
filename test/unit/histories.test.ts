import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { factTypes } from '#machines/fact-types.ts';
import { invocationFolder } from '#machines/invocation.ts';
import type { RecordedAppend } from '#src/core/log/event-log.ts';
import { decodeRequest } from '#src/core/log/request-messages.ts';
import { isFunctionName, NO_FUNCTION } from '#src/core/names/names.ts';
import { foldAppends, initialState } from '#src/core/stream/stream.ts';
import { decodeAppend } from '#src/nats/wire/codec.ts';
import { readRecording, summaryOf } from '#test/support/log/recorded-histories.ts';

/*
 * Every later version must read the log of a released version. A file holds one stream of the log byte for byte, and the states that the
 * stream folds to. Files are added, and never changed.
 */

type History = {
  request: { sequence: number; at: number; token: string; headers: Record<string, string>; payload: string };
  appends: { sequence: number; append: unknown }[];
  states: Record<string, object>;
};

const folder = new URL('../histories/', import.meta.url);

describe.for(readdirSync(folder))('the recorded history %s', (file) => {
  const { request, appends, states } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as History;
  const { token, headers, payload, sequence, at } = request;
  const target = { function: isFunctionName(token) ? token : NO_FUNCTION, token };
  const message = decodeRequest(target, {
    data: Buffer.from(payload),
    headers: { get: (name) => headers[name] ?? '' },
    sequence,
    at,
    isOwn: true,
  });

  test('can be read', () => {
    expect(appends.map(decoded)).not.toContain(undefined);
  });

  test('folds to the states that it recorded', () => {
    const { invocations } = foldAppends(initialState(message), appends.map(decoded) as RecordedAppend[]);
    expect([...invocations.keys()]).toEqual(Object.keys(states));
    for (const [id, state] of Object.entries(states)) {
      const invocation = invocations.get(id);
      expect(invocation === undefined ? undefined : summaryOf(invocation), id).toMatchObject(state);
    }
  });

  test('holds no fact that the machine refuses', () => {
    const { invocations } = initialState(message);
    const lives = new Map(invocations);
    for (const { facts } of appends.map(decoded) as RecordedAppend[]) {
      for (const fact of facts) {
        const before = lives.get(fact.invocation);
        const step = before === undefined ? undefined : invocationFolder.step(before, fact);
        expect(step, `${fact.type} of ${fact.invocation}`).toBeDefined();
        if (step !== undefined) lives.set(fact.invocation, step.snapshot);
      }
    }
  });
});

test('every type of fact is in one of the recorded histories', () => {
  const recorded = readdirSync(folder).flatMap((file) => readRecording(file).histories.flatMap(({ transitions }) => transitions));
  expect([...new Set(recorded.map(({ fact }) => fact.type))].sort()).toEqual([...factTypes].sort());
});

function decoded({ sequence, append }: History['appends'][number]): RecordedAppend | undefined {
  return decodeAppend(Buffer.from(JSON.stringify(append)), sequence);
}
