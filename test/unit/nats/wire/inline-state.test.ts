import { describe, expect, test } from 'vitest';
import { FACTS_VERSION } from '#machines/facts.ts';
import type { StreamVersion } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { foldAppends, initialState, type StreamState } from '#src/core/stream/stream.ts';
import { inlineStateOf, readInlineState } from '#src/nats/wire/inline-state.ts';
import { queued, running, succeeded } from '#test/support/log/facts.ts';

const name = { function: 'orders' as FunctionName, stream: 'order-1' as StreamId };

function streamWith(payload: string): StreamState {
  const initial = initialState({ name, sequence: 7, at: 5, hash: 'root', requests: [{ fact: queued(), payload }] });
  const facts = [running(1), succeeded(1, { payload: '"done"' })];
  return foldAppends(initial, [
    { id: 'x', previous: 0 as StreamVersion, request: 7, by: 'w', facts, version: 9 as StreamVersion, hash: 'own' },
  ]);
}

describe('the state inside a hint', () => {
  test('folds to the same stream in the receiver', () => {
    const state = streamWith('{"a":1}');
    const known = JSON.parse(JSON.stringify(inlineStateOf(state)));
    const read = readInlineState(name, 7, known);
    expect(read).toMatchObject({ name, version: 9, request: { sequence: 7, at: 5, requests: [{ payload: '{"a":1}' }] } });
    expect(read?.head).toBe(state.head);
    expect(read?.facts).toEqual(state.facts);
    expect(read?.invocations.get('order-1')?.context).toEqual(state.invocations.get('order-1')?.context);
  });

  test('is absent for a large stream', () => {
    expect(inlineStateOf(streamWith('x'.repeat(5_000)))).toBeUndefined();
  });

  test('is ignored for facts of another version', () => {
    const known = JSON.parse(JSON.stringify(inlineStateOf(streamWith('{}'))));
    expect(readInlineState(name, 7, { ...known, v: 0 })).toBeUndefined();
    expect(readInlineState(name, 7, { ...known, v: FACTS_VERSION + 1 })).toBeUndefined();
  });

  test('is ignored when its first fact is no request', () => {
    expect(
      readInlineState(name, 7, { v: 1, version: 9, head: 'own', at: 5, payload: '', facts: [running(1), succeeded(1)] }),
    ).toBeUndefined();
  });
});
