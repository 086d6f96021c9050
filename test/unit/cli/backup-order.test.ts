import { expect, test } from 'vitest';
import { backupOrder } from '#src/cli/backup/take-backup.ts';
import { STREAM_PARTS } from '#src/nats/wire/stream-sizes.ts';
import { partOf } from '#src/nats/wire/topology.ts';

test('a backup has every stream of Sequent once', () => {
  expect(backupOrder.map(partOf).sort()).toEqual([...STREAM_PARTS].sort());
});
