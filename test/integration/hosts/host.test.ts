import { expect, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/function-definition.ts';
import { createHost } from '#src/hosts/host.ts';
import { createHttpHost } from '#src/hosts/http-host.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { createProcessHost } from '#src/hosts/process-host.ts';
import { createSubjectHost } from '#src/hosts/subject-host.ts';
import { execute, processFunction } from '#test/support/hosts/executions.ts';

function functionOf(handler: unknown) {
  return functionDefinitionSchema.parse({ name: 'tested', handler });
}

test('each function runs in the host for its kind of handler', async () => {
  const host = createHost({
    process: createProcessHost(),
    inline: createInlineHost(new Map([['tested', () => 'inline']])),
    subject: createSubjectHost({ request: async () => ({ kind: 'reply', payload: new TextEncoder().encode('subject'), headers: {} }) }),
    http: createHttpHost({ fetch: async () => new Response('http') }),
  });
  expect(await execute(host, processFunction({ export: 'returnText' }))).toEqual({ kind: 'returned', payload: 'hello world!' });
  expect(await execute(host, functionOf({ kind: 'inline' }))).toEqual({ kind: 'returned', payload: 'inline' });
  expect(await execute(host, functionOf({ kind: 'subject', subject: 'a.b' }))).toEqual({ kind: 'returned', payload: 'subject' });
  expect(await execute(host, functionOf({ kind: 'http', url: 'http://127.0.0.1/' }))).toEqual({ kind: 'returned', payload: 'http' });
  await host.close();
});
