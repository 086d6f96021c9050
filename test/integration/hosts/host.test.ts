import { expect, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { createHandlerRules } from '#src/core/functions/handler-rules.ts';
import { createHost } from '#src/hosts/host.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { createHttpHost } from '#src/hosts/remote/http-host.ts';
import { createSubjectHost } from '#src/hosts/remote/subject-host.ts';
import { execute, processFunction } from '#test/support/hosts/executions.ts';

function functionOf(handler: unknown, name = 'tested') {
  return functionDefinitionSchema.parse({ name, handler });
}

function openHost(asked: string[] = []) {
  return createHost(
    {
      process: createProcessHost(),
      inline: createInlineHost(new Map([['tested', () => 'inline']])),
      subject: createSubjectHost({
        async request(subject) {
          asked.push(subject);
          return { kind: 'reply', payload: new TextEncoder().encode('subject'), headers: {} };
        },
      }),
      http: createHttpHost({ own: async () => new Response('http'), others: async () => new Response('vetted') }),
    },
    createHandlerRules(),
  );
}

test('each function runs in the host for its kind of handler', async () => {
  const host = openHost();
  expect(await execute(host, processFunction({ export: 'returnText' }))).toEqual({ kind: 'returned', payload: 'hello world!' });
  expect(await execute(host, functionOf({ kind: 'inline' }))).toEqual({ kind: 'returned', payload: 'inline' });
  expect(await execute(host, functionOf({ kind: 'subject', subject: 'a.b' }))).toEqual({ kind: 'returned', payload: 'subject' });
  expect(await execute(host, functionOf({ kind: 'http', url: 'http://127.0.0.1/' }))).toEqual({ kind: 'returned', payload: 'http' });
  await host.close();
});

test('no host runs a handler that its project may not name, whatever the registry holds', async () => {
  const asked: string[] = [];
  const host = openHost(asked);
  const { handler } = processFunction({ export: 'returnText' });
  for (const refused of [
    functionOf({ kind: 'subject', subject: 'erase.x1' }),
    functionOf({ kind: 'subject', subject: 'fn.c.x' }, 'b=tested'),
    functionOf(handler, 'b=tested'),
  ]) {
    host.warm?.(refused, 'latest');
    expect(await execute(host, refused)).toMatchObject({ kind: 'failed', failure: { kind: 'function', errorType: 'HandlerNotAllowed' } });
  }
  expect(asked).toEqual([]);
  await host.close();
});
