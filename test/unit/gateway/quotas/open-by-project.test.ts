import { describe, expect, test } from 'vitest';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { OpenByProject } from '#src/gateway/quotas/open-by-project.ts';

let sequence = 0;
const at = 0;

function request(name: string, ...ids: string[]): FullLogEntry {
  const requests = ids.map((invocation) => ({ fact: { type: 'queued', invocation, at }, payload: '{}' }));
  return { kind: 'request', sequence: ++sequence, at, message: { name: { function: name }, requests } } as unknown as FullLogEntry;
}

function append(name: string, type: 'running' | 'succeeded' | 'notified', invocation: string): FullLogEntry {
  const facts = [{ type, invocation, at }];
  return { kind: 'append', sequence: ++sequence, at, name: { function: name }, append: { facts } } as unknown as FullLogEntry;
}

function countsOf(...entries: FullLogEntry[]): Record<string, number> {
  const open = new OpenByProject();
  for (const entry of entries) open.fold(entry);
  return open.counts;
}

describe('the open invocations of projects', () => {
  test('are those that were accepted and are not notified', () => {
    expect(
      countsOf(
        request('greet', 'a', 'b'),
        request('shop=greet', 'a'),
        append('greet', 'running', 'a'),
        append('greet', 'succeeded', 'b'),
        append('greet', 'notified', 'b'),
      ),
    ).toEqual({ '': 1, shop: 1 });
  });

  test('count an id of two functions twice, and end each by its own function', () => {
    expect(countsOf(request('one', 'a'), request('two', 'a'), append('two', 'notified', 'a'))).toEqual({ '': 1 });
  });

  test('count a repeated request once, also when its invocation has ended meanwhile', () => {
    expect(countsOf(request('greet', 'a'), request('greet', 'a'), append('greet', 'notified', 'a'), request('greet', 'a'))).toEqual({});
  });

  test('are counted anew when the log is read again from its beginning', () => {
    const lost = [request('greet', 'a'), request('greet', 'b')];
    expect(countsOf(...lost, { ...(lost[0] as FullLogEntry) })).toEqual({ '': 1 });
  });
});
