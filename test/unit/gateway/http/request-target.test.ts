import { describe, expect, test } from 'vitest';
import { ask, expectError, F, openApp } from '#test/support/gateway/opened-app.ts';

const credentials = [{ project: 'p1', accessKey: 'AK', secretKey: 'secret' }];
const unsigned = { authorization: `SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date, Signature=${'0'.repeat(64)}` };

describe('a path or a query that cannot be decoded', () => {
  test.for([`${F}/%C3%28/config`, `${F}/%/config`, `${F}/test1%zz/invocations-async`, `${F}/test1/config?marker=%C3%28`])(
    'is refused with 400 before the signature is judged: %s',
    async (path) => {
      const opened = await openApp({ credentials });
      await expectError(await ask(opened, 'GET', path, { headers: unsigned }), 400, 'FSS.0400');
    },
  );

  test('is not confused with a path of other characters, whose missing signature is refused', async () => {
    const opened = await openApp({ credentials });
    const paths = [`${F}/%E4%B8%AD/config`, `${F}/a..b/config`, `${F}/test1/config?marker=50%25`];
    for (const path of paths) expect((await ask(opened, 'GET', path)).status).toBe(401);
  });

  test('is refused as a problem outside of the API of the vendor', async () => {
    const response = await ask(await openApp({ credentials }), 'GET', '/api/functions/%C3%28');
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('cannot be decoded') });
  });
});
