import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { LogSource, SourceEntry } from '#src/core/log/log-source.ts';
import { PROJECT, type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { serveProjectionOn } from '#test/support/projection/served-projection.ts';

const F = `/v2/${PROJECT}/fgs/functions`;

/** A log whose entries arrive only after the release. */
function delayable() {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  return {
    wrap: (source: LogSource): LogSource => ({
      ...source,
      follow: (from: number, onEntry: (entry: SourceEntry) => void, signal: AbortSignal) =>
        source.follow(from, (entry) => (isOpen ? onEntry(entry) : void waiting.push(() => onEntry(entry))), signal),
    }),
    release() {
      isOpen = true;
      for (const pass of waiting.splice(0)) pass();
    },
  };
}

async function invoke(sequent: RunningSequent): Promise<string> {
  const response = await sequent.call('POST', `${F}/walked/invocations-async`, { body: {} });
  return ((await response.json()) as { request_id: string }).request_id;
}

type Page = { invocations: { request_id: string; status: string }[]; next_marker: number };
const list = async (sequent: RunningSequent, query: string): Promise<Page> =>
  (await (await sequent.call('GET', `${F}/walked/async-invocations?${query}`)).json()) as Page;

test('a walk by marker meets every finished invocation once, while the read model lags and rows change', async () => {
  await using sequent = await startSequent();
  const folder = await mkdtemp(join(tmpdir(), 'sequent-walk-'));
  const log = delayable();
  await using _projection = await serveProjectionOn(sequent.server.url, folder, { wrap: log.wrap });
  const code = Buffer.from('exports.handler = async () => 1;').toString('base64');
  const definition = { func_name: 'walked', package: 'default', runtime: 'Node.js18.15', timeout: 30, handler: 'index.handler' };
  const created = { ...definition, memory_size: 128, code_type: 'inline', func_code: { file: code } };
  expect((await sequent.call('POST', F, { body: created })).status).toBe(200);

  const known = await Promise.all(Array.from({ length: 7 }, () => invoke(sequent)));
  for (const id of known)
    await expect.poll(async () => (await list(sequent, `request_id=${id}`)).invocations[0]?.status, { timeout: 20_000 }).toBe('SUCCESS');

  const walked: string[] = [];
  let marker = 0;
  const first = list(sequent, 'limit=3&marker=0');
  // Longer than the gateway of earlier versions waited for the read model.
  await Promise.race([first, delay(1_500)]);
  log.release();
  do {
    const page = marker === 0 ? await first : await list(sequent, `limit=3&marker=${marker}`);
    walked.push(...page.invocations.map(({ request_id }) => request_id));
    marker = page.next_marker;
    // Changes between two pages.
    await invoke(sequent);
  } while (marker !== 0);
  expect(walked.filter((id) => known.includes(id)).sort()).toEqual([...known].sort());
  await rm(folder, { recursive: true, force: true });
});
