import { describe, expect, test } from 'vitest';
import { nextAfterLogin } from '#src/web/shell/login/next-page.ts';
import { hostileStrings } from '#test/support/web/hostile-strings.ts';

const gateway = 'http://127.0.0.1:8080';

describe('the page after the login', () => {
  test('is the page that was requested', () => {
    expect(nextAfterLogin('/functions/orders?event=7')).toBe('/functions/orders?event=7');
  });

  test('is never the login, and the list of invocations when no page was requested', () => {
    expect([nextAfterLogin(null), nextAfterLogin(''), nextAfterLogin('/login?next=/login')]).toEqual(['/', '/', '/']);
  });

  test('is always a page of the gateway, whatever the address says', () => {
    for (const text of [...hostileStrings, '/\t/127.0.0.1:9', '/\n/127.0.0.1:9', '/ /x', '///x', '/\\/x', '/%2f/x']) {
      expect(new URL(nextAfterLogin(text), gateway).origin, text.slice(0, 60)).toBe(gateway);
    }
  });
});
