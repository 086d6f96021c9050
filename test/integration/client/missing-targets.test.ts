import { once } from 'node:events';
import { describe, expect } from 'vitest';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { test } from '#test/support/fixtures.ts';

const notifying = (name: string, target: string) =>
  defineFunction({
    name,
    handler: () => 1,
    policy: { onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: target } }] },
  });

describe('a worker in the users own process', () => {
  test('warns of a destination of its functions that names no function, until there is one (SRC5)', async ({
    server,
    // Creates the streams of JetStream.
    nats: _,
  }) => {
    await using client = await connectClient({ servers: server.url });
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_facts: object, message: string) => void warnings.push(message) };
    await client.functions.put({ name: 'foreign', handler: { kind: 'inline' }, policy: notifying('x', 'nobody').options.policy });
    const functions = [notifying('orders', 'ledger'), notifying('first', 'orders')];

    const warned = once(process, 'warning');
    await (await startWorker({ servers: server.url, functions })).stop();
    const [warning] = (await warned) as [Error & { code?: string }];
    expect(warning).toMatchObject({ name: 'SequentWarning', code: 'SEQUENT_MISSING_TARGET' });
    expect(warning.message).toContain('orders notifies ledger on success, and ledger does not exist');

    await (await startWorker({ servers: server.url, functions, logger })).stop();
    expect(warnings).toEqual([warning.message]);
    await client.functions.put({ name: 'ledger', handler: { kind: 'inline' } });
    await (await startWorker({ servers: server.url, functions, logger })).stop();
    expect(warnings).toHaveLength(1);
  });
});
