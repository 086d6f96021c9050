import { describe, expect } from 'vitest';
import type { FunctionName } from '#src/core/names/names.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { AwakeFunctions } from '#src/core/stream/awake-functions.ts';
import { removeIdleConsumer } from '#src/core/stream/work-consumers.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { startWorker } from '#src/worker/worker.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { appendId } from '#test/support/log/opened-log.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { startSystem } from '#test/support/nats/running-system.ts';

const WAITING = { timeout: 20_000, interval: 20 };
const handlers = (...names: string[]) => new Map(names.map((name) => [name, async () => name] as const));

describe('a function without work', () => {
  test('has a consumer from its first request on, and none after it was deleted', async () => {
    await using server = await startTestServer();
    await using system = await startSystem(server.url, handlers('first', 'second'));
    const { workConsumers } = system.ports;
    expect([...(await workConsumers.list())]).toEqual([]);
    await system.resultOf(await system.publish('first', '{}'));
    expect([...(await workConsumers.list())]).toEqual(['first']);
    await system.registry.delete('first');
    await expect.poll(async () => [...(await workConsumers.list())], WAITING).toEqual([]);
  });

  test('loses its consumer only when every item is acknowledged, and its next request runs', async () => {
    await using server = await startTestServer();
    let release = (): void => {};
    const running = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using system = await startSystem(server.url, new Map([['slow', () => running.then(() => 'done')]]));
    const { workConsumers: consumers, clock } = system.ports;
    const stop = new AbortController();
    const isKnown = (name: string): boolean => name === 'slow';
    const given = { consumers, clock, logger: silentLogger, signal: stop.signal, exists: isKnown, keeps: () => false, idleAfterInMs: -1 };
    const remover = new AwakeFunctions(given);
    const first = await system.publish('slow', '{}');
    await expect.poll(async () => (await consumers.list()).size, WAITING).toBe(1);
    for (let round = 0; round < 3; round++) await remover.look().then(() => remover.removeAllIdle());
    expect([...(await consumers.list())]).toEqual(['slow']);
    release();
    await system.resultOf(first);
    const isRemoved = async (): Promise<boolean> => {
      await remover.look();
      await remover.removeAllIdle();
      return (await consumers.list()).size === 0;
    };
    await expect.poll(isRemoved, WAITING).toBe(true);
    expect(await consumers.readFloor('slow' as FunctionName)).toBeGreaterThanOrEqual(first);
    await system.resultOf(await system.publish('slow', '{}'));
    stop.abort();
  });

  test('loses also a consumer that a slow process opened again after the removal, above every item', async () => {
    await using server = await startTestServer();
    await using opened = await openNats(server.url);
    const { workConsumers: consumers } = opened.ports;
    const name = 'again' as FunctionName;
    const { seq } = await opened.connection.nats.jetstream().publish('invoke.again', '{}');
    await consumers.create(name, seq);
    expect((await consumers.find(name))?.floor).toBe(seq);
    expect(await removeIdleConsumer(consumers, name)).toBe(true);
    expect([await consumers.find(name), await consumers.readFloor(name)]).toEqual([undefined, seq]);
  });

  test('runs its first request although no scheduler runs', async () => {
    await using server = await startTestServer();
    await using opened = await openNats(server.url);
    const { ports } = opened;
    await createFunctionRegistry(ports.functions).put({ name: 'alone', handler: { kind: 'inline' } });
    const stop = new AbortController();
    const functions = await openFunctionDirectory(ports.functions, { signal: stop.signal });
    let run = (_: string): void => {};
    const ran = new Promise<string>((resolve) => {
      run = resolve;
    });
    const host = createInlineHost(new Map([['alone', async () => run('ran')]]));
    const common = { ...ports, tenancy: { region: 'local', project: 'default' }, logger: silentLogger, functions, appendId };
    const worker = startWorker({
      ...common,
      findFunction: functions.ask,
      worker: 'w-alone',
      host,
      maxHops: 8,
      maxChain: 100,
      canRun: () => true,
    });
    await opened.connection.nats.jetstream().publish('invoke.alone', '{}');
    expect(await ran).toBe('ran');
    await worker.stop(1_000);
    stop.abort();
  });
});
