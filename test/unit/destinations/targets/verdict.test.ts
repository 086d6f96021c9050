import { describe, expect, test } from 'vitest';
import { classOf } from '#src/destinations/http/address-classes.ts';
import { RecentDeliveries } from '#src/destinations/targets/recent-deliveries.ts';
import { retryAfterOf } from '#src/destinations/targets/verdict.ts';

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 24, 12);
  test.each([
    ['0', 0],
    ['30', 30_000],
    [' 30 ', 30_000],
    ['3600', 3_600_000],
    ['3601', 3_600_000],
    ['9999999999', 3_600_000],
    ['Tue, 24 Nov 2026 12:01:00 GMT', 60_000],
    ['Wed, 25 Nov 2026 12:00:00 GMT', 3_600_000],
    ['Tue, 24 Nov 2026 11:00:00 GMT', 0],
    ['-5', expect.toSatisfy((wait: unknown) => wait === undefined || (Number(wait) >= 0 && Number(wait) <= 3_600_000))],
    ['soon', undefined],
    ['', undefined],
  ])('%j means a delay of %o ms', (text, wait) => expect(retryAfterOf({ 'retry-after': text }, now)).toEqual(wait));

  test('that is missing means no delay', () => expect(retryAfterOf({}, now)).toBeUndefined());
});

describe('classOf', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00::1',
  ])('%s is public', (address) => expect(classOf(address)).toBe('public'));
  test.each(['127.0.0.1', '10.1.2.3', '192.168.1.1', '172.16.0.0', '100.64.0.1', '::1', 'fd00::1'])('%s is private', (address) =>
    expect(classOf(address)).toBe('private'),
  );
  test.each([
    '169.254.169.254',
    '100.100.100.200',
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::ffff:8.8.8.8',
    '::ffff:10.0.0.1',
    '64:ff9b::8.8.8.8',
    'fe80::1%eth0',
    'fd00:ec2::254',
    'ff02::1',
    'x',
    '',
  ])('%s is forbidden', (address) => expect(classOf(address)).toBe('forbidden'));
});

describe('the recent deliveries', () => {
  test('are forgotten beyond the capacity, the least recently used one first', () => {
    const recent = new RecentDeliveries(2);
    recent.markDone('a', 0);
    recent.markDone('b', 0);
    recent.markDone('a', 1);
    recent.markDone('c', 0);
    expect([recent.isDone('a', 0), recent.isDone('a', 1), recent.isDone('b', 0), recent.isDone('c', 0), recent.isDone('c', 1)]).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
  });
});
