import { describe, expect, test } from 'vitest';
import { defineFunction, type HandlerContext } from '#src/client/worker/define-function.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import { createTestSequent } from '#src/testing/testing.ts';

type Call = { version: string; alias: string; attempt: number };
/** The contexts that the handler received. */
let calls: Call[] = [];

/** Fails as many first attempts as the event says. */
const orders = defineFunction({
  name: 'orders',
  policy: { maxRetries: 2, backoff: { initialInMs: 1_000, factor: 1, jitter: 0 } },
  handler: (event: { failures?: number }, context: HandlerContext) => {
    calls.push({ version: context.getVersion(), alias: context.getAlias(), attempt: context.attempt });
    if (context.attempt <= (event.failures ?? 0)) throw new Error('not yet');
    return 'done';
  },
});

async function open() {
  calls = [];
  const sequent = await createTestSequent({ functions: [orders] });
  const { definition } = await sequent.functions.get('orders');
  /** Publishes `latest` as a version, then changes `latest`. */
  const publish = async (version: string, change: object = {}): Promise<void> => {
    await sequent.functions.publish('orders', { version });
    await sequent.functions.put({
      ...definition,
      timeoutInMs: definition.timeoutInMs + 1 + calls.length,
      userData: { version },
      ...change,
    });
  };
  const urnOf = async (id: string) => (await sequent.timeline(id)).envelope?.request_context.function_urn;
  return { sequent, publish, urnOf };
}

describe('an invocation of a version', () => {
  test('runs that version, and its envelope names it', async () => {
    const { sequent, publish, urnOf } = await open();
    await using _ = sequent;
    await publish('v1');
    for (const qualifier of ['v1', 'latest']) {
      const invoked = await sequent.invoke('orders', {}, { qualifier });
      expect(await invoked.result()).toMatchObject({ outcome: 'succeeded' });
      expect(await urnOf(invoked.requestId)).toBe(`urn:fss:local:default:function:default:orders:${qualifier}`);
    }
    expect(calls).toEqual([
      { version: 'v1', alias: '', attempt: 1 },
      { version: 'latest', alias: '', attempt: 1 },
    ]);
  });

  test('is refused when the version or alias does not exist', async () => {
    const { sequent } = await open();
    await using _ = sequent;
    for (const qualifier of ['v9', '!prod'])
      await expect(sequent.invoke('orders', {}, { qualifier })).rejects.toMatchObject({ code: 'FUNCTION_NOT_FOUND', qualifier });
  });

  test.for([
    ['v9', 'function "orders" has no version "v9"'],
    ['!prod', 'function "orders" has no alias "prod"'],
  ] as const)('fails visibly when a request for %s was published past all checks', async ([qualifier, message]) => {
    const { sequent } = await open();
    await using _ = sequent;
    (sequent.log as MemoryLog).publish('orders', '{}', { Qualifier: qualifier, 'Request-Id': 'raw' });
    await sequent.runUntilIdle();
    const { transitions, envelope } = await sequent.timeline('raw');
    expect(transitions.map(({ fact }) => fact.type)).toEqual(['queued', 'failed', 'notified']);
    expect(envelope).toMatchObject({
      request_context: { condition: 'FunctionNotFound', function_urn: `urn:fss:local:default:function:default:orders:${qualifier}` },
      response_context: { status_code: 404, function_error: message },
    });
    expect(calls).toEqual([]);
  });

  test('that was deleted before a retry fails, and is delivered by the policy of its first attempt', async () => {
    const { sequent, publish } = await open();
    await using _ = sequent;
    await sequent.functions.changePolicy('orders', 'latest', (policy) => ({
      ...policy,
      onFailure: [{ destination: 'HTTP', param: { url: 'http://x.example/' } }],
    }));
    await publish('v1');
    const { requestId } = await sequent.invoke('orders', { failures: 1 }, { qualifier: 'v1' });
    expect(await sequent.timeline(requestId)).toMatchObject({ state: 'retrying' });
    await sequent.functions.deleteVersion('orders', 'v1');
    await sequent.runUntilIdle();
    const { envelope } = await sequent.timeline(requestId);
    expect(envelope).toMatchObject({
      request_context: { condition: 'FunctionNotFound', approximate_invoke_count: 1 },
      response_context: {
        function_error: expect.stringMatching(/^function "orders" has no version "v1"; the last attempt failed: .*not yet/),
      },
    });
    expect(sequent.deliveries()).toMatchObject([{ requestId }]);
  });

  test('waits while its function is paused, and fails afterwards if its version was deleted', async () => {
    const { sequent, publish } = await open();
    await using _ = sequent;
    await publish('v1');
    await publish('v2', { paused: true });
    const [first, second] = [
      await sequent.invoke('orders', {}, { qualifier: 'v1' }),
      await sequent.invoke('orders', {}, { qualifier: 'v2' }),
    ];
    await sequent.advance(60_000);
    expect(calls).toEqual([]);
    await sequent.functions.deleteVersion('orders', 'v1');
    await sequent.functions.put({ ...(await sequent.functions.get('orders')).definition, paused: false });
    await sequent.runUntilIdle();
    expect((await sequent.timeline(first.requestId)).envelope?.request_context.condition).toBe('FunctionNotFound');
    expect((await sequent.timeline(second.requestId)).status).toBe('SUCCESS');
  });
});

describe('an invocation of an alias', () => {
  test('runs the alias’s version of the first attempt, also when the alias moved before a retry', async () => {
    const { sequent, publish, urnOf } = await open();
    await using _ = sequent;
    await publish('v1');
    await publish('v2');
    await sequent.functions.putAlias('orders', { name: 'prod', version: 'v1' });
    const before = await sequent.invoke('orders', { failures: 1 }, { qualifier: '!prod' });
    await sequent.functions.putAlias('orders', { name: 'prod', version: 'v2' });
    const after = await sequent.invoke('orders', {}, { qualifier: '!prod' });
    await sequent.functions.deleteAlias('orders', 'prod');
    await sequent.runUntilIdle();
    expect(calls).toEqual([
      { version: 'v1', alias: 'prod', attempt: 1 },
      { version: 'v2', alias: 'prod', attempt: 1 },
      { version: 'v1', alias: 'prod', attempt: 2 },
    ]);
    expect(await urnOf(before.requestId)).toMatch(/:orders:v1$/);
    expect(await urnOf(after.requestId)).toMatch(/:orders:v2$/);
  });

  test('is delivered by the policy of the alias, and of a version by the policy of the version', async () => {
    const { sequent, publish } = await open();
    await using _ = sequent;
    const policyFor = (host: string) => ({ onSuccess: [{ destination: 'HTTP' as const, param: { url: `http://${host}.example/` } }] });
    await sequent.functions.changePolicy('orders', 'latest', () => policyFor('version'));
    await publish('v1');
    await sequent.functions.putAlias('orders', { name: 'prod', version: 'v1', policy: policyFor('alias') });
    for (const qualifier of ['!prod', 'v1']) await (await sequent.invoke('orders', {}, { qualifier })).result();
    await sequent.runUntilIdle();
    expect(sequent.deliveries().map(({ destination }) => JSON.parse(destination.param).url)).toEqual([
      'http://alias.example/',
      'http://version.example/',
    ]);
  });
});

test('a delivery to a deleted version or alias is dead with the reason', async () => {
  const { sequent, publish } = await open();
  await using _ = sequent;
  await publish('v1', { policy: { onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'default:default:orders:v1' } }] } });
  const { requestId } = await sequent.invoke('orders', {});
  await sequent.runUntilIdle();
  expect(calls.map(({ version }) => version)).toEqual(['latest', 'v1']);
  await sequent.functions.deleteVersion('orders', 'v1');
  const lost = await sequent.invoke('orders', {});
  await sequent.runUntilIdle();
  const reasons = async (id: string) =>
    (await sequent.timeline(id)).transitions.flatMap(({ fact }) => ('reason' in fact ? [fact.reason] : []));
  expect(await reasons(requestId)).toEqual([]);
  expect(await reasons(lost.requestId)).toEqual(['function "orders" has no version "v1"']);
});
