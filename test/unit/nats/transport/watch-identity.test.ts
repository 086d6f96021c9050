import { expect, test } from 'vitest';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { openOnOneStream } from '#src/nats/transport/streams/watch-identity.ts';

/** A reader at message 7 of a stream. Each opening of its consumer takes the next step. */
function openReader(...steps: (() => void)[]) {
  const stream = { created: 1 };
  const connection = { manager: { streams: { info: async () => ({ ...stream }) } } } as unknown as Connection;
  let next = 7;
  const opened: number[] = [];
  const open = openOnOneStream(connection, {
    stream: 'RESULTS',
    async open() {
      opened.push(next);
      steps.shift()?.();
      return `consumer ${opened.length}`;
    },
    restart() {
      next = 1;
    },
  });
  return { open, opened, recreate: () => void stream.created++ };
}

test('a consumer of a stream that stays opens at the position of its reader', async () => {
  const { open, opened } = openReader();
  expect([await open(), await open()]).toEqual(['consumer 1', 'consumer 2']);
  expect(opened).toEqual([7, 7]);
});

test('a consumer opens at the first message of a stream that was created again before (STRM2)', async () => {
  const { open, opened, recreate } = openReader();
  await open();
  recreate();
  await open();
  expect(opened).toEqual([7, 1]);
});

test('a consumer opens at the first message of a stream that is created again meanwhile (STRM2)', async () => {
  const reader = openReader(() => reader.recreate());
  expect(await reader.open()).toBe('consumer 2');
  expect(reader.opened).toEqual([7, 1]);
});

test('a consumer of a stream that is created again at each try is not opened', async () => {
  const again = () => reader.recreate();
  const reader = openReader(again, again, again, again, again, again);
  await expect(reader.open()).rejects.toThrow('created again 5 times');
});
