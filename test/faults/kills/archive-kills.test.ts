import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { verifyLog } from '#src/cli/history/verify-log.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import { type OpenedJanitor, openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { bundledScript } from '#test/support/cli/processes/bundled-script.ts';
import { test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

const COUNT = 400;
const KEPT = 40;
let server: TestServer;
let archive: string;

test.beforeEach(async ({ server: own }) => {
  server = own;
  archive = await mkdtemp(join(tmpdir(), 'sequent-kills-'));
  await using nats = await openNats(server.url);
  await writeLog(nats.connection, COUNT);
  return () => rm(archive, { recursive: true });
});

/** Runs a janitor that kills itself at a point. Resolves to the signal that ended it. */
async function dieAt(point: string, kept: number): Promise<unknown> {
  const entry = new URL('../../support/archive/dying-janitor.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [...(await bundledScript(entry)), server.url, archive, point, String(kept)], { stdio: 'inherit' });
  const [, signal] = await once(child, 'exit');
  return signal;
}

/** Opens the next janitor at once. It does not wait for the lease of the killed one, because working without the lease is safe. */
async function openNext(kept: number): Promise<OpenedJanitor> {
  const next = await openJanitorOn(server.url, archive, { name: 'j-next', retention: { maxInvocations: kept }, maxRemovable: 0 });
  await next.nats.ports.state.delete('janitor.lease');
  return next;
}

async function verifyWhole({ archive: files, log, head }: OpenedJanitor) {
  const { created } = await log.state();
  const { findings, balance, erased } = await verifyLog({ archive: files, source: log, log: created, head: await head() });
  expect(findings).toEqual([]);
  return { balance, erased };
}

describe('a janitor that is killed', () => {
  test.for([
    'before a segment is written',
    'after a segment is written',
    'before the log is purged',
    'after the log is purged',
    'while messages are removed one by one',
  ])('%s loses nothing, and the next janitor continues', async (point) => {
    expect(await dieAt(point, KEPT)).toBe('SIGKILL');
    await using next = await openNext(KEPT);
    expect((await verifyWhole(next)).balance).toMatchObject({ accepted: COUNT, settled: COUNT });
    await next.janitor.work();
    expect((await next.log.state()).messages).toBeLessThan(6 * KEPT);
    expect((await verifyWhole(next)).balance).toMatchObject({ accepted: COUNT, settled: COUNT });
    expect(await next.whole.missing()).toBe(0);
  });

  test.for([
    'after an erasure is in the log',
    'after the erased messages are named',
    'after an erasure is planned',
    'after a segment is rewritten',
    'while messages are removed one by one',
    'before results are removed',
  ])('%s, during an erasure, leaves the erasure to the next janitor', async (point) => {
    await using nats = await openNats(server.url);
    const request = { function: 'orders', before: Date.now() + 1_000, by: 'a test', at: Date.now(), isTrial: false };
    const asked: ErasureRecord = { state: 'asked', request };
    await nats.ports.state.put(erasureKey('e-1'), JSON.stringify(asked));
    expect(await dieAt(point, COUNT)).toBe('SIGKILL');
    await using next = await openNext(COUNT);
    await next.janitor.work();
    const invocations = COUNT / 8;
    const record = parseErasureRecord((await next.nats.ports.state.get(erasureKey('e-1')))?.value);
    expect(record).toMatchObject({ state: 'done', found: { invocations, messages: 3 * invocations } });
    const { balance, erased } = await verifyWhole(next);
    expect(erased).toBe(3 * invocations);
    expect(balance).toMatchObject({ accepted: COUNT - invocations });
    expect(await next.whole.missing()).toBe(0);
  });
});
