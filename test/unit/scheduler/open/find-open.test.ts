import { expect, test } from 'vitest';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { createFindOpen } from '#src/scheduler/open/find-open.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';

const clock = { sleep: async () => {} };
const name = { function: 'orders' as FunctionName, stream: 'order-1' as StreamId };
const readAt = 1_000;
const accepted = { kind: 'request', sequence: 3, at: 0, name, size: 1 } as const;

/** The open streams of a scheduler that has read the log up to a sequence without a request. */
function openUpTo(sequence: number) {
  const open = new OpenStreams({ patienceInMs: 5_000, maxAgeOf: () => undefined, unknownGraceInMs: 1_000 });
  open.fold({ kind: 'hint', sequence, at: readAt });
  return open;
}

/** A log with one last message, of which retention may have removed the messages from `heldUpTo` on. Its messages were stored at one time. */
const logOf = ({ last, heldUpTo = last, storedAt = readAt }: { last: number; heldUpTo?: number; storedAt?: number }) => ({
  lastSequence: async () => last,
  firstFrom: async (sequence: number) => (sequence <= heldUpTo ? { sequence } : undefined),
  timeOf: async (sequence: number) => (sequence <= heldUpTo ? storedAt : undefined),
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

test.for([
  ['shorter than what was read', { last: 3 }],
  ['as long as what was read', { last: 9 }],
] as const)('a scheduler does not answer by a log that was created again, %s (A1)', async ([, { last }]) => {
  // The scheduler has read the former log. The request may be in the new one.
  const find = createFindOpen(openUpTo(9), { log: logOf({ last, storedAt: readAt + 1 }), clock });
  await expect(find(name.stream, undefined)).rejects.toMatchObject({ code: 'NO_ANSWER', retryable: true });
});

test('a scheduler does not answer when the log is created again while it looks for unread messages (A1)', async () => {
  const former = logOf({ last: 12 });
  const again = logOf({ last: 3, storedAt: readAt + 1 });
  let log = former;
  const recreated = {
    lastSequence: () => log.lastSequence(),
    firstFrom(sequence: number) {
      log = again;
      return log.firstFrom(sequence);
    },
    timeOf: (sequence: number) => log.timeOf(sequence),
  };
  await expect(createFindOpen(openUpTo(9), { log: recreated, clock })(name.stream, undefined)).rejects.toMatchObject({ code: 'NO_ANSWER' });
});

test('a scheduler that begins to read a log that was created again does not answer by a part of it (A1)', async () => {
  const open = openUpTo(9);
  const again = logOf({ last: 3, storedAt: readAt + 1 });
  // The first message of the new log is read while the scheduler asks whether the log is the one that it has read.
  const readMeanwhile = async (sequence: number) => {
    if (open.next > 3) open.fold({ kind: 'hint', sequence: 1, at: readAt + 1 });
    return await again.timeOf(sequence);
  };
  const find = createFindOpen(open, { log: { ...again, timeOf: readMeanwhile }, clock });
  await expect(find(name.stream, undefined)).rejects.toMatchObject({ code: 'NO_ANSWER' });
});

test('a scheduler answers that a request is unknown when the log was created again and is empty', async () => {
  expect(await createFindOpen(openUpTo(9), { log: logOf({ last: 0 }), clock })(name.stream, undefined)).toEqual([]);
});
