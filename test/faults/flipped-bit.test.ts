import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { createArchive } from '#src/archive/segments/archive.ts';
import { createFolderStore } from '#src/archive/stores/folder-store.ts';
import { verifyLog } from '#src/cli/history/verify-log.ts';
import { connectClient } from '#src/client/client.ts';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import { INVOCATIONS, RESULTS } from '#src/nats/wire/topology.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { shortTimes } from '#test/support/fixtures.ts';
import { closeLater, folderTest } from '#test/support/folder-fixture.ts';
import { flipBit, type Place } from '#test/support/nats/disks/flip-bit.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

/*
 * A disk flips one bit of a stored message (nats-server#7549), while the server is stopped. nats-server 2.10.27 and 2.15.1 log nothing about most
 * of these bits. After a start with the file index.db of a clean stop:
 *
 * - a bit in the subject, the headers, the body or the checksum: the server serves every message but this one, and counts it;
 * - a bit in the length: 2.10.27 serves nothing of the block from this message on, and counts all; 2.15.1 ends the log before the message;
 * - a bit in the sequence: 2.10.27 serves nothing of the block from there on; 2.15.1 all but this message and the next one.
 *
 * After a start without index.db, as after a kill, the server ends the block before the message, whichever bit it is.
 */

const test = folderTest.extend('server', ({ task: _ }, scope) => closeLater(startTestServer({ isDamaged: true }), scope));

const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const storeOf = ({ dataDir }: TestServer): string => join(dataDir, 'nats', 'jetstream');

async function flipWhileStopped(server: TestServer, flip: Omit<Parameters<typeof flipBit>[0], 'store'>): Promise<void> {
  await server.end();
  await flipBit({ store: storeOf(server), ...flip });
  await server.restart();
}

async function verify(server: TestServer, folder: string) {
  await using nats = await openNats(server.url);
  const source = createNatsLogSource({ connection: nats.connection });
  const { created, last } = await source.state();
  const archive = createArchive(createFolderStore(folder), source.decode);
  const { findings } = await verifyLog({ archive, source, log: created, head: undefined });
  // The written log leaves out the times of the scheduler.
  return { last, gaps: findings.filter(({ kind }) => kind === 'gap').map(({ what }) => what) };
}

const COUNT = 20;
const MIDDLE = 12;
const LAST = 3 * COUNT;
const RESULTS_LAST = 20;

async function write(server: TestServer): Promise<void> {
  await using nats = await openNats(server.url);
  await writeLog(nats.connection, COUNT);
}

describe('sequent verify names a message of the log with a flipped bit', () => {
  const cases: [place: Place, message: number, found: RegExp][] = [
    ['subject', MIDDLE, /^no message from 12 to 12$/],
    ['header', MIDDLE, /^no message from 12 to 12$/],
    ['body', MIDDLE, /^no message from 12 to 12$/],
    ['end', MIDDLE, /^no message from 12 to 12$/],
    ['sequence', MIDDLE, /^no message from 12 to (?:13|60)$/],
    ['body', LAST, /^no message from 60 to 60$/],
    ['end', LAST, /^no message from 60 to 60$/],
  ];
  for (const [place, message, found] of cases)
    test(`in its ${place}, ${message === LAST ? 'the last one' : 'in the middle'}`, async ({ server, folder }) => {
      await write(server);
      await flipWhileStopped(server, { stream: INVOCATIONS, message, place });
      expect(await verify(server, folder)).toEqual({ last: LAST, gaps: [expect.stringMatching(found)] });
    });

  test('in its length, unless the server ends the log before it', async ({ server, folder }) => {
    await write(server);
    await flipWhileStopped(server, { stream: INVOCATIONS, message: MIDDLE, place: 'length' });
    const { last, gaps } = await verify(server, folder);
    // The watermarks name a log that ends earlier than before (LOSS2).
    if (last < MIDDLE) expect(gaps).toEqual([]);
    else expect(gaps).toEqual([`no message from ${MIDDLE} to ${LAST}`]);
  });
});

describe('sequent verify names a result with a flipped bit', () => {
  for (const [place, message] of [
    ['body', MIDDLE],
    ['end', RESULTS_LAST - 1],
    ['body', RESULTS_LAST],
  ] as [Place, number][])
    test(`in its ${place}, ${message === RESULTS_LAST ? 'the last one' : 'in the middle'}`, async ({ server, folder }) => {
      {
        await using nats = await openNats(server.url);
        for (let i = 0; i < RESULTS_LAST; i++)
          await nats.connection.jetstream.publish('result.orders.succeeded', `{"response_payload":"${i}"}`);
        // Erased results are no finding.
        await nats.connection.manager.streams.deleteMessage(RESULTS, 5);
      }
      const found = async () => (await runCli(['verify', '--server', server.url, '--data', folder])).stdout;
      expect(await found()).toBe('');
      await flipWhileStopped(server, { stream: RESULTS, message, place });
      expect(await found()).toContain('RESULTS has fewer messages than its server counts: 1 missing, from 5 on');
    });
});

describe('a read model', () => {
  test('keeps a message that the server counts and cannot read, and a check finds the difference', async ({ server, folder }) => {
    await write(server);
    await readModel(server, folder);
    await flipWhileStopped(server, { stream: INVOCATIONS, message: MIDDLE, place: 'body' });
    const { invocations, check, warnings } = await readModel(server, folder);
    expect([invocations, check.isEqual, warnings]).toEqual([COUNT, false, []]);
  });

  test('is not rebuilt from a damaged log before a loss names the lost messages (LOSS5)', async ({ server, folder }) => {
    await write(server);
    await readModel(server, folder);
    await flipWhileStopped(server, { stream: INVOCATIONS, message: MIDDLE, place: 'length' });
    const { losses, warnings } = await readModel(server, folder);
    expect(warnings.join()).toContain('the read model is rebuilt');
    expect(losses).toMatchObject([{ keptUpTo: MIDDLE - 1, lostUpTo: LAST }]);
  });
});

/** Opens the read model in a folder, and closes it again. */
async function readModel({ url }: TestServer, folder: string) {
  const book = createLossBook(createMemoryKeyValue());
  const losses = { book, folder: join(folder, 'losses'), host: 'host', by: 'projection' };
  await using opened = await openProjectionOn(url, join(folder, 'model'), { losses });
  // A rebuild reads what the server still serves.
  await expect.poll(async () => (await opened.answers.list({ limit: 100 })).invocations.length).toBeGreaterThan(0);
  const { invocations } = await opened.answers.list({ limit: 100 });
  return { invocations: invocations.length, check: await opened.projection.check(), losses: await book.list(), warnings: opened.warnings };
}

test('the watermarks name the last message when roles run, and so does sequent doctor', async ({ server, folder }) => {
  const data = join(folder, 'data');
  await using _ = await startSequent([], { ...shortTimes, NATS_URL: server.url, SEQUENT_DATA: data });
  await using client = await connectClient({ servers: server.url });
  await client.functions.put({ name: 'slowly', handler: { kind: 'process', file, export: 'slowly' } });
  for (let i = 0; i < 3; i++) await (await client.invoke('slowly', { i })).result();
  await expect.poll(async () => (await client.history.list({ state: ['notified'] })).invocations.length, { timeout: 15_000 }).toBe(3);
  const last = await client.lastSequence();
  // The file holds what the next comparison after the start of the server expects (LOSS1).
  const marks = async () => await readFile(join(data, 'log-watermarks.json'), 'utf8').catch(String);
  await expect.poll(marks, { timeout: 15_000 }).toContain(`"sequence":${last},`);
  await flipWhileStopped(server, { stream: INVOCATIONS, message: last, place: 'body' });
  const at = ['--server', server.url, '--data', data];
  await expect
    .poll(async () => (await runCli(['loss', 'ls', '-o', 'jsonl', ...at])).stdout, { timeout: 20_000 })
    .toContain(`"lostUpTo":${last},`);
  const doctor = await runCli(['doctor', ...at]);
  expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringMatching(/losses +the log lost at most/)]);
});
