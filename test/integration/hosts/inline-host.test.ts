import { describe, expect, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import type { Handler } from '#src/hosts/runtime/outcome.mjs';
import { execute, executionOf } from '#test/support/hosts/executions.ts';

const definition = functionDefinitionSchema.parse({ name: 'order', handler: { kind: 'inline' }, timeoutInMs: 100 });

function hostOf(handler: Handler) {
  return createInlineHost(new Map([['order', handler]]));
}

describe('an inline host', () => {
  test('runs the handler by the name of the function, under the rules of child processes', async () => {
    expect(
      await execute(
        hostOf((event) => event),
        definition,
        { id: 1 },
      ),
    ).toEqual({ kind: 'returned', payload: '{"id":1}' });
    expect(
      await execute(
        hostOf(async () => 'text'),
        definition,
      ),
    ).toEqual({ kind: 'returned', payload: 'text' });
    expect(
      await execute(
        hostOf(() => undefined),
        definition,
      ),
    ).toEqual({ kind: 'returned', payload: '' });
    const calledBack: Handler = (_event, _context, callback) => callback(undefined, 'called');
    expect(await execute(hostOf(calledBack), definition)).toEqual({ kind: 'returned', payload: 'called' });
  });

  test('reports a thrown value as a failure of the function', async () => {
    const handler = () => {
      throw new TypeError('bad order');
    };
    const failure = { kind: 'function', code: 4002, errorType: 'TypeError', message: 'function invocation exception, error: bad order' };
    expect(await execute(hostOf(handler), definition)).toMatchObject({ kind: 'failed', failure });
    expect(
      await execute(
        hostOf(() => 1n),
        definition,
      ),
    ).toMatchObject({ failure: { errorType: 'ResultNotSerializable' } });
  });

  test('reports a timeout, and aborts the signal of the handler', async () => {
    let signal: AbortSignal | undefined;
    const handler: Handler = (_event, context) => {
      signal = context.signal;
      return new Promise(() => undefined);
    };
    const message = 'function invocation timed out after 100 ms';
    expect(await execute(hostOf(handler), definition)).toMatchObject({ failure: { kind: 'function', code: 4010, message } });
    expect(signal?.aborted).toBe(true);
  });

  test('ends an execution when its signal aborts', async () => {
    const giveUp = new AbortController();
    let signal: AbortSignal | undefined;
    const host = hostOf((_event, context) => {
      signal = context.signal;
      return new Promise(() => undefined);
    });
    const running = host.execute(executionOf(definition), giveUp.signal);
    giveUp.abort();
    expect(await running).toMatchObject({ failure: { kind: 'platform', errorType: 'ExecutionAborted' } });
    expect(signal?.aborted).toBe(true);
    expect(await host.execute(executionOf(definition), giveUp.signal)).toMatchObject({ failure: { errorType: 'ExecutionAborted' } });
  });

  test('captures the lines of the context’s logger', async () => {
    const host = hostOf((_event, context) => context.getLogger().warn('careful'));
    expect(await execute(host, definition)).toMatchObject({ output: expect.stringMatching(/ request-\d+ \[warn\] careful\n$/) });
  });

  test('maps a missing handler to a failure of the platform', async () => {
    expect(await execute(createInlineHost(new Map()), definition)).toMatchObject({ failure: { kind: 'platform', code: 150424 } });
  });
});
