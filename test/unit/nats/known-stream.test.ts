import { describe, expect, test } from 'vitest';
import type { Version } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { foldAppends, newborn, type StreamState } from '#src/core/stream/stream.ts';
import { knownOf, knownSchema, stateOf } from '#src/nats/wire/inline-state.ts';
import { queued, running, succeeded } from '#test/support/log/facts.ts';

const name = { function: 'orders' as FunctionName, stream: 'order-1' as StreamId };

function streamWith(payload: string): StreamState {
  const born = newborn({ name, sequence: 7, at: 5, requests: [{ fact: queued(), payload }] });
  const facts = [running(1), succeeded(1, { payload: '"done"' })];
  return foldAppends(born, [{ id: 'x', previous: 0 as Version, request: 7, by: 'w', facts, version: 9 as Version }]);
}

describe('what a hint tells of a stream', () => {
  test('is the stream again, on the other side', () => {
    const state = streamWith('{"a":1}');
    const { known } = JSON.parse(JSON.stringify(knownOf(state)));
    const read = stateOf(name, 7, knownSchema.parse(known));
    expect(read).toMatchObject({ name, version: 9, request: { sequence: 7, at: 5, requests: [{ payload: '{"a":1}' }] } });
    expect(read?.facts).toEqual(state.facts);
    expect(read?.invocations.get('order-1')?.context).toEqual(state.invocations.get('order-1')?.context);
  });

  test('is nothing when it is large', () => {
    expect(knownOf(streamWith('x'.repeat(5_000)))).toEqual({});
  });

  test('is nothing when its facts have another version, and is of version 1 when it names none', () => {
    const { known } = JSON.parse(JSON.stringify(knownOf(streamWith('{}'))));
    expect(stateOf(name, 7, knownSchema.parse({ ...known, v: 0 }))).toBeUndefined();
    expect(stateOf(name, 7, knownSchema.parse({ ...known, v: 2 }))).toBeUndefined();
    expect(knownSchema.parse({ ...known, v: undefined }).v).toBe(1);
  });

  test('is nothing when it does not begin with a request', () => {
    expect(stateOf(name, 7, { v: 1, version: 9, at: 5, payload: '', facts: [running(1), succeeded(1)] })).toBeUndefined();
  });
});
