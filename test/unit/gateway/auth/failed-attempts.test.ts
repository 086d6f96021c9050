import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '#src/core/ports/logger.ts';
import { withToken } from '#src/gateway/auth/credentials.ts';
import { createFailedAttempts, type FailedAttempts } from '#src/gateway/auth/failed-attempts.ts';
import { ask, openApp } from '#test/support/gateway/opened-app.ts';

let now: number;
let logged: unknown[];
let attempts: FailedAttempts;
beforeEach(() => {
  now = 1_000_000;
  logged = [];
  const logger = { ...silentLogger, warn: (facts: object) => void logged.push(facts) };
  attempts = createFailedAttempts({ clock: { now: () => now, sleep: async () => {} }, logger });
});

function fail(times: number, address = '10.0.0.1'): void {
  for (let time = 0; time < times; time++) attempts.record(address, 'the token is not known');
}

describe('failed attempts', () => {
  test('delay only their address, from the fifth on, by doubled waits of at most one minute', () => {
    const waits: unknown[] = [];
    for (let failures = 1; failures <= 14; failures++) {
      fail(1);
      try {
        attempts.checkWait('10.0.0.1');
        waits.push(0);
      } catch (error) {
        waits.push((error as { retryAfterInS: number }).retryAfterInS);
      }
    }
    expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    attempts.checkWait('10.0.0.2');
    now += 60_000;
    attempts.checkWait('10.0.0.1');
  });

  test('are logged at each power of two, without the token', () => {
    fail(10);
    expect(logged).toEqual([1, 2, 4, 8].map((failures) => ({ address: '10.0.0.1', failures, why: 'the token is not known' })));
  });

  test('are deleted after a success, and after ten minutes without a failure', () => {
    fail(9);
    attempts.forget('10.0.0.1');
    attempts.checkWait('10.0.0.1');
    fail(9);
    now += 600_001;
    fail(1);
    attempts.checkWait('10.0.0.1');
  });
});

test('wrong tokens from an address delay further wrong ones, and lock out no valid one', async () => {
  const token = 'the right token of this test';
  const opened = await openApp({ credentials: [withToken('p1', token)] });
  const signIn = async (given: string): Promise<number> => (await ask(opened, 'POST', '/api/session', { body: { token: given } })).status;
  for (let time = 0; time < 5; time++) expect(await signIn('a wrong token')).toBe(401);
  expect(await signIn('a wrong token')).toBe(429);
  expect(await signIn(token)).toBe(200);
  expect((await ask(opened, 'GET', '/api/machine', { headers: { 'x-auth-token': token } })).status).toBe(200);
  expect(await signIn('a wrong token')).toBe(401);
});

test('wrong tokens behind one proxy lock no other client out, whatever X-Forwarded-For says', async () => {
  const token = 'the right token of this test';
  const opened = await openApp({ credentials: [withToken('p1', token)] });
  const signIn = async (given: string, client: string): Promise<number> =>
    (await ask(opened, 'POST', '/api/session', { body: { token: given }, headers: { 'x-forwarded-for': client } })).status;
  for (let time = 0; time < 5; time++) expect(await signIn('a wrong token', '203.0.113.1')).toBe(401);
  // The header is what its sender claims, so it counts for nothing.
  expect(await signIn('a wrong token', '203.0.113.1')).toBe(429);
  expect(await signIn('a wrong token', '203.0.113.77')).toBe(429);
  const headers = { 'x-auth-token': token, 'x-forwarded-for': '203.0.113.2' };
  expect((await ask(opened, 'GET', '/api/machine', { headers })).status).toBe(200);
  expect(await signIn(token, '203.0.113.2')).toBe(200);
});
