import { test as base, describe, expect } from 'vitest';
import { withToken } from '#src/gateway/auth/credentials.ts';
import { ask, openApp } from '#test/support/gateway/opened-app.ts';

/** `p1` is the own project of the gateway. The functions of `p2` have names such as `p2=greet` inside. */
const token = 'the token of this test of p2';
const test = base.extend('call', async ({ task: _ }) => {
  const opened = await openApp({ credentials: [withToken('p2', token)] });
  return async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const reply = await ask(opened, method, path, { body, headers: { 'x-auth-token': token, ...headers } });
    return (await reply.json()) as Record<string, unknown>;
  };
});

const inline = { handler: { kind: 'inline' } };
const leadingTo = (name: string) => ({
  onSuccess: [{ destination: 'FunctionGraph', param: JSON.stringify({ func_urn: `p2:default:${name}` }) }],
});

describe('an error to the caller of another project than the own one', () => {
  test('names a missing function as the caller does', async ({ call }) => {
    expect(await call('GET', '/api/functions/greet')).toMatchObject({ detail: 'function "greet" does not exist' });
    expect(await call('GET', '/v2/p2/fgs/functions/p2:default:greet/config')).toMatchObject({
      error_msg: 'function "greet" does not exist',
    });
  });

  test('names the functions of a loop as the caller does', async ({ call }) => {
    await call('PUT', '/api/functions/two', inline);
    await call('PUT', '/api/functions/one', { ...inline, policy: leadingTo('two') });
    const refused = await call('PUT', '/api/functions/two', { ...inline, policy: leadingTo('one') }, { 'if-match': '*' });
    expect(refused.detail).toContain('close a loop: two → one → two;');
  });

  test('names a missing function of a destination as the caller does (SRC5)', async ({ call }) => {
    const refused = await call('PUT', '/api/functions/one', { ...inline, policy: leadingTo('nowhere') });
    expect(refused.detail).toBe('policy.onSuccess[0] cannot be used: function "nowhere" does not exist; define it first');
  });

  test('names a function that was changed meanwhile as the caller does', async ({ call }) => {
    await call('PUT', '/api/functions/greet', inline);
    const refused = await call('PUT', '/api/functions/greet', inline, { 'if-match': '"999"' });
    expect(refused.detail).toBe('function "greet" was changed by another process since it was read');
  });

  test('keeps a project in the advice to the operator, in the text and in the list of mistakes', async ({ call }) => {
    const refused = await call('PUT', '/api/functions/thumbs', { handler: { kind: 'subject', subject: 'images.thumbs' } });
    const advice = expect.stringContaining('or ask the operator for --subjects p2=images');
    expect(refused).toMatchObject({ detail: advice, errors: [{ pointer: '/handler/subject', detail: advice }] });
  });

  test('keeps what the caller wrote', async ({ call }) => {
    const refused = await call('PUT', '/api/functions/p2=greet', inline);
    expect(refused.detail).toContain('function name "p2=greet" must be');
  });
});
