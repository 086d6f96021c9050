import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import type { LogLoss } from '#src/core/log/losses/log-loss.ts';
import { lostAtMost } from '#src/core/log/losses/log-loss.ts';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { STATE_BUCKET } from '#src/nats/wire/topology.ts';
import { judgeServer, readStreams } from '#test/judge/read-server.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { documentedCommands } from '#test/support/documented-commands.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { type CuttableDisk, openCuttableDisk, whyNoDisk } from '#test/support/nats/disks/cuttable-disk.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

/*
 * The power of the NATS server is cut: it is killed, and everything that its disk does not hold is dropped. All roles stay alive, and the
 * server starts again on the same port.
 */

const DEADLINE_IN_MS = 45_000;
const powerTest = (title: string, run: (folder: string) => Promise<void>): void =>
  test.skipIf(whyNoDisk !== undefined)(title, ({ folder }) => run(folder), 180_000);
const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const events = (count: number) => Array.from({ length: count }, (_, i) => ({ i, ms: 1 }));

/** As many attempts run when the power is cut. */
const RUNNING = 16;

type Powered = { disk: CuttableDisk; server: TestServer; sequent: SequentProcess; client: SequentClient; url: string };

async function inPower(folder: string, fsync: 'always' | '100ms' | 'default', work: (powered: Powered) => Promise<void>): Promise<void> {
  await using disk = await openCuttableDisk();
  await using server = await startTestServer({ fsync, parent: disk.path });
  // On a server of its own, `--fsync always` keeps results in memory. These roles do not start the server, and keep results in files.
  await using sequent = await startSequent(['--http-port', '0'], { ...shortTimes, NATS_URL: server.url, SEQUENT_DATA: folder });
  await using client = await connectClient({ servers: server.url });
  for (const name of ['slowly', 'gated'])
    await client.functions.put({ name, handler: { kind: 'process', file, export: name }, concurrency: RUNNING });
  const { http } = JSON.parse(sequent.readyLine.slice(sequent.readyLine.indexOf('{')) || '{}') as { http?: string };
  await work({ disk, server, sequent, client, url: http ?? /http:\/\/\S+/.exec(sequent.readyLine)?.[0] ?? '' });
}

/** `meanwhile` happens while the server is down. */
async function cutPower({ disk, server }: Powered, meanwhile?: () => Promise<void>): Promise<void> {
  await server.kill();
  await disk.cut();
  await meanwhile?.();
  await server.restart();
}

type Gated = { ids: string[]; open: () => Promise<void> };

/** Resolves once the attempts run. They end after the gate is open. */
async function runGated({ client }: Powered, gate: string): Promise<Gated> {
  const sent = await client.invokeMany(
    'gated',
    Array.from({ length: RUNNING }, () => ({ gate })),
  );
  const ids = sent.map(({ requestId }) => requestId);
  await expect
    .poll(async () => (await client.history.list({ function: 'gated', state: ['running'] })).invocations.length, { timeout: 15_000 })
    .toBe(RUNNING);
  return { ids, open: () => writeFile(gate, '') };
}

/** What subscribers get of these requests, oldest first. A result that was published twice counts once. */
async function resultsOf({ server }: Powered, ids: readonly string[]): Promise<string[][]> {
  const { results } = await readStreams(server.url, { isLossy: true });
  return ids.map((id) => {
    const own = results.filter(({ headers }) => headers['Request-Id'] === id);
    return [...new Set(own.map(({ data }) => (JSON.parse(data) as { response_payload: string }).response_payload))];
  });
}

const invoke = async ({ client }: Powered, count: number): Promise<string[]> =>
  (await client.invokeMany('slowly', events(count))).map(({ requestId }) => requestId);

/** Resolves when the read model holds the log, and every invocation in it is over. */
async function settled({ client }: Powered): Promise<void> {
  await expect
    .poll(
      async () => {
        const { lag, isReady, rebuild, sequence, last } = await client.history.status();
        if (sequence > last) return 'the read model holds messages that the log lost';
        if (lag > 0 || !isReady || rebuild !== null) return 'the read model is behind';
        const { invocations } = await client.history.list({ limit: 500 });
        return invocations.filter(({ state }) => state !== 'notified').length;
      },
      { timeout: DEADLINE_IN_MS },
    )
    .toBe(0);
}

/** One outcome and one `notified` each, `verify` without findings, and the read model as a fresh fold gives it. */
async function expectInvariants(powered: Powered, isLossy = false): Promise<Set<string>> {
  await settled(powered);
  // The functions wrote nothing down, and what the cut took is no fault.
  expect(await judgeServer(powered.server.url, { client: [], isLossy }), INVARIANT).toEqual([]);
  await using nats = await openNats(powered.server.url);
  const { facts, problems } = await foldWholeLog(nats.ports.log);
  // A worker may append once about a lost request. That append counts nowhere, and `verify` names it.
  expect(problems.filter((problem) => !isLossy || !/^(?:unknown-request|wrong-link) /.test(problem))).toEqual([]);
  expect(
    [...facts].flatMap(([id, life]) => findLifeProblems(id, life)),
    INVARIANT,
  ).toEqual([]);
  const { instance } = await powered.client.history.status();
  expect(await nats.ports.history.ask('check', {}, { instance, timeoutInMs: DEADLINE_IN_MS })).toMatchObject({ isEqual: true });
  return new Set(facts.keys());
}

async function lossesOf({ client }: Powered): Promise<LogLoss[]> {
  return await createLossBook(await openKeyValue(client.connection, STATE_BUCKET)).list();
}

powerTest('with --fsync always, a power cut loses nothing that was acknowledged', async (folder) => {
  await inPower(folder, 'always', async (powered) => {
    const gated = await runGated(powered, join(folder, 'gate'));
    const acknowledged = [...gated.ids, ...(await invoke(powered, 100))];
    const inFlight = Array.from({ length: 20 }, () => invoke(powered, 10).then((ids) => acknowledged.push(...ids)));
    await Promise.race(inFlight);
    let known: string[] = [];
    await cutPower(powered, async () => {
      known = [...acknowledged];
      await gated.open();
    });
    await Promise.allSettled(inFlight);
    const present = await expectInvariants(powered);
    expect(
      known.filter((id) => !present.has(id)),
      INVARIANT,
    ).toEqual([]);
    expect(await lossesOf(powered)).toEqual([]);
    // The attempts went on, and their results are stored.
    expect(await resultsOf(powered, gated.ids)).toEqual(gated.ids.map(() => ['{"attempt":1}']));
  });
});

powerTest('with --fsync 100ms, a power cut loses nothing that the disk had', async (folder) => {
  await inPower(folder, '100ms', async (powered) => {
    const { client, disk } = powered;
    // nats-server syncs messages, and never the definition of a stream.
    await disk.sync();
    const gate = join(folder, 'gate');
    const gated = await runGated(powered, gate);
    const marker = `synced-by-the-interval-${Date.now()}`;
    // A result would bring the marker to the disk too, and is synced at another moment.
    const { requestId } = await client.invoke('gated', { i: marker, gate });
    // The server alone syncs: the kernel writes back only after 30 s.
    await expect.poll(() => disk.holds(marker), { timeout: 15_000 }).toBe(true);
    await invoke(powered, 100);
    await cutPower(powered, gated.open);
    const present = await expectInvariants(powered, true);
    // The log had accepted the gated requests before.
    expect(
      [requestId, ...gated.ids].filter((id) => !present.has(id)),
      INVARIANT,
    ).toEqual([]);
  });
});

const run = promisify(execFile);

powerTest('the result of an outcome that a power cut took stays, and that of the next outcome is the last', async (folder) => {
  await inPower(folder, 'default', async (powered) => {
    const { disk, server } = powered;
    await invoke(powered, 1);
    await settled(powered);
    const gated = await runGated(powered, join(folder, 'gate'));
    // The disk has the attempts, and of what follows the results alone.
    await disk.sync();
    await gated.open();
    await settled(powered);
    const first = gated.ids.map(() => ['{"attempt":1}']);
    await expect.poll(() => resultsOf(powered, gated.ids), { timeout: 15_000 }).toEqual(first);
    const stored = await readdir(server.dataDir, { recursive: true });
    const blocks = stored.filter((path) => /\/RESULTS\/msgs\/[^/]+\.blk$/.test(path));
    expect(blocks).not.toEqual([]);
    await run('sync', ['--data', ...blocks.map((block) => join(server.dataDir, block))]);
    await cutPower(powered);

    const present = await expectInvariants(powered, true);
    expect(
      gated.ids.filter((id) => !present.has(id)),
      INVARIANT,
    ).toEqual([]);
    await expect
      .poll(() => resultsOf(powered, gated.ids), { timeout: 15_000 })
      .toEqual(gated.ids.map(() => ['{"attempt":1}', '{"attempt":2}']));
    // Without a loss, the judge refuses the first results.
    expect(await judgeServer(server.url, { client: [] })).toEqual(
      expect.arrayContaining(gated.ids.map((id) => `E4: a result of ${id} differs from its outcome`)),
    );
  });
});

/** Stands for the id of the loss in the commands of the runbook. */
const ID_IN_RUNBOOK = 'mi3k2x1c';

powerTest('a loss is named by doctor, HTTP and metrics until it is acknowledged', async (folder) => {
  await inPower(folder, 'default', async (powered) => {
    const { client, disk, server, url } = powered;
    const kept = await invoke(powered, 20);
    await settled(powered);
    await disk.sync();
    const keptUpTo = await client.lastSequence();
    const atRisk = await invoke(powered, 300);
    await settled(powered);
    const lostUpTo = await client.lastSequence();
    await cutPower(powered);

    const present = await expectInvariants(powered);
    const lost = atRisk.filter((id) => !present.has(id));
    expect(lost).not.toEqual([]);
    expect(
      kept.filter((id) => !present.has(id)),
      INVARIANT,
    ).toEqual([]);
    await expect
      .poll(async () => (await lossesOf(powered)).map(({ affected }) => affected?.lost), { timeout: 15_000 })
      .toEqual([lost.length]);
    const [loss] = (await lossesOf(powered)) as [LogLoss];
    expect(loss.keptUpTo).toBeGreaterThanOrEqual(keptUpTo);
    expect(loss.lostUpTo).toBe(lostUpTo);
    const list = await readFile(loss.affected?.file?.replace(/^[^:]*:/, '') ?? '', 'utf8');
    const named = list
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { requestId: string; isLost: boolean });
    expect(new Set(named.filter(({ isLost }) => isLost).map(({ requestId }) => requestId))).toEqual(new Set(lost));

    const at = ['--server', server.url, '--data', folder];
    const runbook = documentedCommands('docs/operations.md', 'Lost messages').map((command) =>
      command.map((argument) => (argument === ID_IN_RUNBOOK ? loss.id : argument)),
    );
    const run = (start: string, ...more: string[]) => {
      const command = runbook.shift() ?? [];
      expect(command.join(' ')).toMatch(new RegExp(`^${start}`));
      return runCli([...command, ...more, ...at]);
    };
    const doctor = await run('doctor', '--json');
    expect(doctor.code).toBe(1);
    const words = `the log lost at most ${lostAtMost(loss)} acknowledged messages`;
    expect((JSON.parse(doctor.stdout) as { findings: unknown[] }).findings).toContainEqual(
      expect.objectContaining({ level: 'problem', check: 'losses', seen: expect.stringContaining(words) }),
    );
    await expect.poll(async () => (await fetch(`${url}/api/system`)).text()).toContain(words);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(`sequent_log_lost_messages ${lostAtMost(loss)}`);

    expect((await run('loss ls')).stdout).toContain(`≤ ${lostAtMost(loss)}`);
    expect((await run('loss show')).stdout).toContain(lost.at(-1));
    expect((await run('loss acknowledge')).code).toBe(0);
    expect((await runCli(['doctor', ...at])).stdout).toContain('the log lost no message');
    await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toContain('sequent_log_lost_messages 0');
    expect(await lossesOf(powered)).toMatchObject([{ acknowledged: { note: 'sent again' } }]);
  });
});
