import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { RetainedStreams } from '#src/archive/retention/retained-streams.ts';
import {
  billing,
  deliveryDead,
  deliveryDelivered,
  deliveryDismissed,
  deliveryStarted,
  notified,
  running,
  succeeded,
} from '#test/support/log/facts.ts';
import { createWrittenLog } from '#test/support/projection/written-log.ts';

const terms = { revision: 1, timeoutInMs: 1, maxRetries: 0, maxAgeInMs: 1, backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 } };
const debounced = { pool: 'function.gathers', key: '', debounce: { keep: 'all', waitInMs: 1, maxWaitInMs: 1 } } as const;
const at = 1;

/** A log of debounced requests, with what a janitor retains of it. Each request is one stream. */
function openRetained() {
  const log = createWrittenLog();
  const requests = new Map<string, number>();
  const retained: RetainedStreams = new RetainedStreams();
  const takeNew = (sequence: number): void => retained.take(log.content(sequence));
  const append = (invocation: string, ...facts: Fact[]): void =>
    takeNew(log.append('gathers', invocation, requests.get(invocation) ?? 0, facts));
  const named = (invocation: string) => ({ invocation, request: requests.get(invocation) ?? 0 });
  return {
    retained,
    /** Ends an invocation without a group, whose delivery ends with these facts. */
    end(invocation: string, ...settled: Fact[]): void {
      requests.set(invocation, log.request('gathers', invocation, '{}'));
      takeNew(requests.get(invocation) ?? 0);
      const facts = [running(1), succeeded(1, { destinations: [billing] }), deliveryStarted(1), ...settled, notified()];
      append(invocation, ...facts.map((fact) => ({ ...fact, invocation })));
    },
    request(invocation: string): void {
      requests.set(invocation, log.request('gathers', invocation, '{}'));
      takeNew(requests.get(invocation) ?? 0);
      append(invocation, { type: 'deferred', invocation, at, flow: debounced });
    },
    lead: (invocation: string, ...members: string[]): void =>
      append(
        invocation,
        { type: 'debounce.closed', invocation, at, keep: 'all', dueAt: at, members: members.map(named) },
        { type: 'running', invocation, at, attempt: 1, worker: 'w', terms },
        { type: 'succeeded', invocation, at, attempt: 1, payload: '1' },
        { type: 'notified', invocation, at },
      ),
    follow: (invocation: string, leader: string): void =>
      append(
        invocation,
        { type: 'debounce.joined', invocation, at, keep: 'all', leader: named(leader) },
        { type: 'succeeded', invocation, at, attempt: 0, payload: '1', leader },
        { type: 'notified', invocation, at },
      ),
  };
}

test('a stream whose dead delivery was dismissed may be redriven, as one with a dead delivery', () => {
  const { retained, end } = openRetained();
  end('dead', deliveryDead(1));
  end('dismissed', deliveryDead(1), deliveryDismissed(1));
  end('delivered', deliveryDelivered(1));
  expect(retained.settledStreams).toBe(3);
  expect([...retained.redrivable()].map(({ name }) => name.stream)).toEqual(['dead', 'dismissed']);
});

describe('the leader of a group in the log (J2)', () => {
  test('is retained until every member is over, because a member ends with its outcome', () => {
    const { retained, request, lead, follow } = openRetained();
    for (const id of ['one', 'two', 'leader']) request(id);
    lead('leader', 'one', 'two');
    expect([retained.open, retained.settled, retained.removable]).toEqual([3, 0, 0]);
    follow('one', 'leader');
    expect([retained.open, retained.settled, retained.removable]).toEqual([2, 1, 3]);
    follow('two', 'leader');
    expect([retained.open, retained.settled, retained.removable]).toEqual([0, 3, 9]);
    expect(retained.oldest).toBeUndefined();
  });

  test('is removable at once when no member is open', () => {
    const { retained, request, lead, follow } = openRetained();
    for (const id of ['member', 'leader', 'alone']) request(id);
    lead('alone');
    expect(retained.settled).toBe(1);
    follow('member', 'leader');
    lead('leader', 'member', 'removed-long-ago');
    expect([retained.open, retained.settled]).toEqual([0, 3]);
  });

  test('is retained alone, and not by a member that waits for a member of its own', () => {
    const { retained, request, lead } = openRetained();
    for (const id of ['one', 'two']) request(id);
    lead('one', 'two');
    expect(retained.open).toBe(2);
    lead('two', 'one');
    expect([retained.open, retained.settled]).toEqual([0, 2]);
  });
});
