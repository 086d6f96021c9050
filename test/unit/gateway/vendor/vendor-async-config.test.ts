import { describe, expect } from 'vitest';
import { appTest as test } from '#test/support/gateway/app-test.ts';
import { expectError, F } from '#test/support/gateway/opened-app.ts';

describe('the asynchronous configuration', () => {
  const path = `${F}/test1/async-invoke-config`;
  const param = '{ "bucket":"b",  "prefix":"p/" , "expires":0}';
  const keys = [
    'func_urn',
    'max_async_event_age_in_seconds',
    'max_async_retry_attempts',
    'destination_config',
    'created_time',
    'last_modified',
    'enable_async_status_log',
  ];

  test('is returned with its seven fields and the parameters of its destinations, byte for byte', async ({ ask, opened }) => {
    const destination_config = {
      on_success: { destination: 'DIS', param: '{"stream_name":"s"}' },
      on_failure: { destination: 'OBS', param },
    };
    const wanted = { max_async_event_age_in_seconds: 60, max_async_retry_attempts: 2, enable_async_status_log: true, destination_config };
    const put = await ask('PUT', path, wanted);
    expect(put.status).toBe(200);
    const answer = (await put.json()) as Record<string, unknown>;
    expect(Object.keys(answer)).toEqual(keys);
    expect(answer).toMatchObject({ ...wanted, func_urn: 'urn:fss:local:p1:function:default:test1:latest' });
    expect(await (await ask('GET', path)).json()).toEqual(answer);
    expect((await opened.registry.get('test1')).definition.policy).toMatchObject({
      maxRetries: 2,
      maxAgeInSeconds: 60,
      onFailure: [{ destination: 'OBS', param }],
    });
  });

  test('with a function that does not exist is stored, and a header of the answer names the function (SRC5)', async ({ ask, opened }) => {
    const func_urn = 'urn:fss:local:p1:function:default:pager:latest';
    const wanted = { destination_config: { on_failure: { destination: 'FunctionGraph', param: JSON.stringify({ func_urn }) } } };
    const early = await ask('PUT', path, wanted);
    expect(early.status).toBe(200);
    expect(early.headers.get('Warning')).toMatch(/^299 sequent "test1 notifies pager on failure, and pager does not exist: /);
    await opened.registry.put({ name: 'pager', handler: { kind: 'inline' } });
    expect((await ask('PUT', path, wanted)).headers.get('Warning')).toBeNull();
  });

  test('has no condition of a destination, and a PUT replaces the destination with its condition', async ({ ask, opened }) => {
    const target = { destination: 'OBS' as const, param };
    const when = { of: 'attempts', greater: 1 } as const;
    await opened.registry.changePolicy('test1', 'latest', (policy) => ({ ...policy, onSuccess: [{ ...target, when }] }));
    const shown = (await (await ask('GET', path)).json()) as { destination_config: object };
    expect(shown.destination_config).toEqual({ on_success: target });
    await ask('PUT', path, shown);
    expect((await opened.registry.get('test1')).definition.policy.onSuccess).toEqual([target]);
  });

  test('defaults to 3600 seconds, one retry, no destination and no status log', async ({ ask }) => {
    await ask('PUT', path, { max_async_retry_attempts: 3, destination_config: { on_failure: { destination: 'OBS', param } } });
    expect(await (await ask('PUT', path, {})).json()).toMatchObject({
      max_async_event_age_in_seconds: 3_600,
      max_async_retry_attempts: 1,
      destination_config: {},
      enable_async_status_log: false,
    });
  });

  test('keeps its creation time over a second PUT, and both times are RFC 3339 in whole seconds', async ({ ask, opened }) => {
    const first = (await (await ask('PUT', path, {})).json()) as Record<string, string>;
    opened.at(Date.parse('2026-11-24T12:00:05.700Z'));
    const second = (await (await ask('PUT', path, {})).json()) as Record<string, string>;
    expect([first.created_time, first.last_modified]).toEqual(['2026-11-24T12:00:00Z', '2026-11-24T12:00:00Z']);
    expect([second.created_time, second.last_modified]).toEqual(['2026-11-24T12:00:00Z', '2026-11-24T12:00:05Z']);
  });

  test('is removed by DELETE with 204: GET and a second DELETE answer 404, and retries are off', async ({ ask, opened }) => {
    await ask('PUT', path, {});
    const deleted = await ask('DELETE', path);
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
    await expectError(await ask('GET', path), 404, 'FSS.0404');
    await expectError(await ask('DELETE', path), 404, 'FSS.0404');
    expect((await opened.registry.get('test1')).definition.policy.maxRetries).toBe(0);
  });

  test('of a function that was configured without the API is shown too', async ({ ask, opened }) => {
    await opened.registry.put({ name: 'other', handler: { kind: 'inline' }, policy: { maxRetries: 3 } });
    expect(await (await ask('GET', `${F}/other/async-invoke-config`)).json()).toMatchObject({ max_async_retry_attempts: 3 });
  });

  test.for<[string, object]>([
    ['an age of 0', { max_async_event_age_in_seconds: 0 }],
    ['an age of 86401', { max_async_event_age_in_seconds: 86_401 }],
    ['a negative age', { max_async_event_age_in_seconds: -1 }],
    ['an age that is no integer', { max_async_event_age_in_seconds: 1.5 }],
    ['an age that is a text', { max_async_event_age_in_seconds: '60' }],
    ['-1 retries', { max_async_retry_attempts: -1 }],
    ['4 retries', { max_async_retry_attempts: 4 }],
    ['an unknown target', { destination_config: { on_success: { destination: 'SQS', param } } }],
    ['a target in the wrong case', { destination_config: { on_success: { destination: 'obs', param } } }],
    ['a parameter that is not JSON', { destination_config: { on_success: { destination: 'OBS', param: 'bucket' } } }],
    ['a parameter without its key', { destination_config: { on_success: { destination: 'SMN', param: '{}' } } }],
    [
      'an object to keep for 366 days',
      { destination_config: { on_success: { destination: 'OBS', param: '{"bucket":"b","expires":366}' } } },
    ],
    [
      'a target function that is no URN',
      { destination_config: { on_success: { destination: 'FunctionGraph', param: '{"func_urn":"a.b"}' } } },
    ],
    ['a loop', { destination_config: { on_success: { destination: 'FunctionGraph', param: '{"func_urn":"test1"}' } } }],
  ])('with %s is refused with 400', async ([, wanted], { ask }) => {
    await expectError(await ask('PUT', path, wanted), 400, 'FSS.0400');
    await expectError(await ask('GET', path), 404, 'FSS.0404');
  });

  test.for([1, 86_400])('accepts an age of %i seconds', async (age, { ask }) => {
    expect((await ask('PUT', path, { max_async_event_age_in_seconds: age })).status).toBe(200);
  });

  test.for([0, 3])('accepts %i retries', async (retries, { ask }) => {
    expect((await ask('PUT', path, { max_async_retry_attempts: retries })).status).toBe(200);
  });

  test('is listed by pages with consistent numbers', async ({ ask }) => {
    const list = (query: string) => ask('GET', `${F}/test1/async-invoke-configs${query}`);
    expect(await (await list('')).json()).toEqual({
      async_invoke_configs: [],
      count: 0,
      page_info: { next_marker: 0, previous_marker: 0, current_count: 0 },
    });
    const config = await (await ask('PUT', path, {})).json();
    for (const query of ['', '?limit=0', '?limit=500', '?marker=0&limit=1'])
      expect(await (await list(query)).json()).toEqual({
        async_invoke_configs: [config],
        count: 1,
        page_info: { next_marker: 0, previous_marker: 0, current_count: 1 },
      });
    expect(await (await list('?marker=1')).json()).toMatchObject({
      async_invoke_configs: [],
      page_info: { next_marker: 0, current_count: 0 },
    });
    await expectError(await list('?limit=-1'), 400, 'FSS.1001');
  });
});
