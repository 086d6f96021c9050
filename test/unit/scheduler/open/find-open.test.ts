import { expect, test } from 'vitest';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { createFindOpen } from '#src/scheduler/open/find-open.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';

const clock = { sleep: async () => {} };
const name = { function: 'orders' as FunctionName, stream: 'order-1' as StreamId };
const accepted = { kind: 'request', sequence: 3, at: 0, name, size: 1 } as const;

/** The open streams of a scheduler that has read the log up to a sequence without a request. */
function openUpTo(sequence: number) {
  const open = new OpenStreams({ patienceInMs: 5_000, maxAgeOf: () => undefined, unknownGraceInMs: 1_000 });
  open.fold({ kind: 'hint', sequence, at: 0 });
  return open;
}

/** A log with one last message, of which retention may have removed the messages from `heldUpTo` on. */
const logOf = ({ last, heldUpTo = last }: { last: number; heldUpTo?: number }) => ({
  lastSequence: async () => last,
  firstFrom: async (sequence: number) => (sequence <= heldUpTo ? { sequence } : undefined),
});

test('a scheduler that is behind the log does not answer that a request is unknown (A1)', async () => {
  const find = createFindOpen(openUpTo(2), { log: logOf({ last: 3 }), clock });
  await expect(find(name.stream, undefined)).rejects.toMatchObject({ code: 'NO_ANSWER', retryable: true });
});

test('a scheduler without an answer of the log does not answer that a request is unknown (A1)', async () => {
  const log = { ...logOf({ last: 3 }), lastSequence: () => Promise.reject(new Error('the log does not answer')) };
  await expect(createFindOpen(openUpTo(2), { log, clock })(name.stream, undefined)).rejects.toThrow('the log does not answer');
});

test('a scheduler finds a request that it reads while it looks for it', async () => {
  const open = openUpTo(2);
  const reading = { sleep: async () => open.fold(accepted) };
  expect(await createFindOpen(open, { log: logOf({ last: 3 }), clock: reading })(name.stream, undefined)).toEqual([{ name, request: 3 }]);
});

test('a scheduler that has read the whole log answers that a request is unknown', async () => {
  expect(await createFindOpen(openUpTo(3), { log: logOf({ last: 3 }), clock })(name.stream, undefined)).toEqual([]);
});

test('a scheduler answers that a request is unknown when the last messages of the log were purged', async () => {
  expect(await createFindOpen(openUpTo(2), { log: logOf({ last: 9, heldUpTo: 2 }), clock })(name.stream, undefined)).toEqual([]);
});
