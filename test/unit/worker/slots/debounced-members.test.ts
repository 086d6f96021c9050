import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { followLeader } from '#src/worker/groups/debounced-run.ts';
import { deferred, ID, queued } from '#test/support/log/facts.ts';
import { openMemoryLog } from '#test/support/log/memory.ts';

const leader = { invocation: 'order-2', request: 7 };

function memberOf(keep: 'last' | 'all'): Invocation {
  const facts: Fact[] = [
    queued(),
    deferred({ flow: { pool: 'function.orders', key: 'a', debounce: { keep, waitInMs: 5_000, maxWaitInMs: 60_000 } } }),
    { type: 'debounce.joined', invocation: ID, at: 10, keep, leader },
  ];
  return facts.reduce((snapshot, fact) => invocationFolder.step(snapshot, fact)?.snapshot ?? snapshot, invocationFolder.initial);
}

async function follow(keep: 'last' | 'all') {
  const { log } = await openMemoryLog();
  const request = { fact: queued(), payload: '{}' } as AcceptedRequest;
  const ports = { log, clock: { now: () => 20, sleep: async () => {} }, payloads: undefined } as never;
  return await followLeader({ invocation: memberOf(keep), request, fn: undefined }, 'orders' as FunctionName, ports);
}

describe('a member whose leader the log no longer has', () => {
  test('ends as failed by the system, and names the leader', async () => {
    expect(await follow('all')).toMatchObject({
      kind: 'end',
      facts: [{ type: 'failed', condition: 'SystemError', leader: 'order-2' }, { type: 'notified' }],
    });
  });

  test('ends superseded when the last request is kept', async () => {
    expect(await follow('last')).toMatchObject({
      kind: 'end',
      facts: [{ type: 'failed', condition: 'InvocationCanceled', leader: 'order-2' }, { type: 'notified' }],
    });
  });
});
