import { describe, expect, test } from 'vitest';
import { addLoss, describeLoss, type LogLoss, lostAtMost } from '#src/core/log/losses/log-loss.ts';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';

const loss: LogLoss = {
  id: 'a',
  created: 'log',
  foundAt: 5_000,
  foundBy: 'worker',
  why: 'the log ends at 10, but it acknowledged 30',
  keptUpTo: 8,
  keptAt: 1_000,
  lostUpTo: 30,
  lostAt: 3_000,
};
const affected = { lost: 4, changed: 1, ids: ['x'] };

describe('a loss', () => {
  test('that two processes find is one loss, with the narrowest start and the highest end', () => {
    const found = addLoss([loss], { ...loss, id: 'b', foundAt: 6_000, keptUpTo: 10, keptAt: 1_100, lostUpTo: 28, affected });
    expect(found).toEqual([{ ...loss, keptUpTo: 10, keptAt: 1_100, affected }]);
    expect(found.map(lostAtMost)).toEqual([20]);
  });

  test('whose process waited for NATS while another one found it is the same loss', () => {
    const late = { ...loss, id: 'b', foundAt: 9_000, lostAfter: 2_900, lostAt: 8_000 };
    expect(addLoss([loss], late)).toEqual([{ ...loss, lostAt: 5_000 }]);
  });

  test('of messages that are newer than an earlier loss was found is another loss', () => {
    const later = { ...loss, id: 'b', foundAt: 9_000, lostAt: 8_000 };
    expect(addLoss([loss], later)).toEqual([loss, later]);
    const ofOtherLog = { ...loss, id: 'b', created: 'another' };
    expect(addLoss([loss], ofOtherLog)).toEqual([loss, ofOtherLog]);
  });

  test('is described by its count, its time span and its invocations', () => {
    expect(describeLoss({ ...loss, affected })).toBe(
      'the log lost at most 22 acknowledged messages of 2 s, from 1970-01-01T00:00:01.000Z to 1970-01-01T00:00:03.000Z; ' +
        '4 invocations are lost, 1 lost their last facts',
    );
  });

  test('stays acknowledged when another process finds it later', async () => {
    const book = createLossBook(createMemoryKeyValue());
    await book.add([loss]);
    expect(await book.acknowledge(({ id }) => id === 'a', { at: 7_000, by: 'ada' })).toEqual([loss]);
    expect(await book.acknowledge(() => true, { at: 8_000, by: 'bob' })).toEqual([]);
    await book.add([{ ...loss, id: 'b', affected }]);
    expect(await book.list()).toEqual([{ ...loss, affected, acknowledged: { at: 7_000, by: 'ada' } }]);
  });

  test('is dropped when it is acknowledged and twenty newer ones are known', () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ ...loss, id: `l${i}`, created: `log ${i}` }));
    const acknowledged = many.map((one, i) => (i === 7 ? { ...one, acknowledged: { at: 1, by: 'ada' } } : one));
    expect(addLoss(acknowledged, loss).map(({ id }) => id)).not.toContain('l7');
    expect(addLoss(acknowledged, loss)).toHaveLength(20);
  });
});
