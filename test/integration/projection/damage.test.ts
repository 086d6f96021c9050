import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { checkPagesInThread } from '#src/main/roles/threads/page-check-thread.ts';
import { test as base } from '#test/support/fixtures.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { overwritePages } from '#test/support/projection/damaged-files.ts';
import { type OpenedProjection, type OpenProjectionOptions, openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

/** `model` is the folder of a read model of 400 invocations. `reopen` opens it: its connection has no page of a row in its cache. */
const test = base
  .extend('model', async ({ server }, { onCleanup }) => {
    const folder = await mkdtemp(join(tmpdir(), 'sequent-damaged-'));
    onCleanup(() => rm(folder, { recursive: true, force: true }));
    await using nats = await openNats(server.url);
    await writeLog(nats.connection, 400);
    await using first = await openProjectionOn(server.url, folder);
    await first.ready();
    return folder;
  })
  .extend('reopen', ({ server, model }, { onCleanup }) => {
    const opened: OpenedProjection[] = [];
    onCleanup(async () => {
      for (const one of opened) await one[Symbol.asyncDispose]();
    });
    return async (options: OpenProjectionOptions = {}): Promise<OpenedProjection> => {
      const one = await openProjectionOn(server.url, model, options);
      opened.push(one);
      await one.ready();
      return one;
    };
  });

const rebuildsOf = async ({ projection }: OpenedProjection): Promise<string[]> =>
  (await projection.status()).rebuilds.map(({ why }) => why);

async function expectWhole(opened: OpenedProjection): Promise<void> {
  await opened.ready();
  const check = await opened.projection.check();
  expect(check).toMatchObject({ isEqual: true });
  expect(check.tables[0]).toMatchObject({ table: 'invocations', rows: 400 });
}

describe('a damaged read model is rebuilt', () => {
  test('when a query meets a damaged page, which the status and the log of the process name', async ({ model, reopen }) => {
    const opened = await reopen();
    await overwritePages(model);
    expect(() => opened.answers.list({ limit: 500, payloads: true, order: 'newest' })).toThrow('malformed');
    await expect.poll(() => rebuildsOf(opened)).toEqual([expect.stringMatching(/^its file is damaged: .*malformed/)]);
    expect(opened.warnings.join()).toContain('the read model is rebuilt: its file is damaged');
    await expectWhole(opened);
  });

  test('when a new message is folded into a damaged page', async ({ model, server, reopen }) => {
    const opened = await reopen();
    await overwritePages(model);
    await using nats = await openNats(server.url);
    await writeLog(nats.connection, 50);
    await expect.poll(() => rebuildsOf(opened), { timeout: 10_000 }).toEqual([expect.stringMatching(/^its file is damaged/)]);
    await opened.ready();
    expect((await opened.projection.check()).tables[0]).toMatchObject({ rows: 450, isEqual: true });
  });

  test('when it was damaged while no projection ran', async ({ model, reopen }) => {
    await overwritePages(model);
    const opened = await reopen();
    expect(await rebuildsOf(opened)).toEqual([expect.stringMatching(/^its file is damaged/)]);
    await expectWhole(opened);
  });

  test('when a check against the log meets a damaged page, and the check says so', async ({ model, reopen }) => {
    const opened = await reopen();
    await overwritePages(model);
    expect(await opened.projection.check()).toMatchObject({ isEqual: false, damage: expect.stringContaining('malformed') });
    await expect.poll(() => rebuildsOf(opened), { timeout: 10_000 }).toHaveLength(1);
    await expectWhole(opened);
  });

  test('when no query reads the damaged pages, by the check of all pages', { timeout: 60_000 }, async ({ model, reopen }) => {
    const opened = await reopen({ pages: { check: checkPagesInThread, everyInMs: 1_000 } });
    await overwritePages(model);
    await expect.poll(() => rebuildsOf(opened), { timeout: 40_000 }).toEqual([expect.stringMatching(/^its file is damaged/)]);
    await expectWhole(opened);
  });
});
