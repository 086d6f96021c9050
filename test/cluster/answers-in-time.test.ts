import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NatsUnavailableError } from '#src/core/errors.ts';
import { longRoutes } from '#src/gateway/http/answer-deadline.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { isReplicable } from '#src/nats/replicas/replicable.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { commandLines, isNamed, waiting } from '#test/support/cli/commands-of-server.ts';
import { type Cluster, startCluster } from '#test/support/cluster/cluster.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { argumentsOf } from '#test/support/documented-commands.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { expectInTime, sendAll } from '#test/support/gateway/every-request.ts';
import { PROJECT, type ServedSequent, startClusteredSequent } from '#test/support/gateway/running-gateway.ts';
import { MINE } from '#test/support/matrix/route-rules.ts';

const say = (line: string): void => void process.stdout.write(`answers in time: ${line}\n`);
/** The promise of ten seconds, and what a busy machine takes for the starts of so many commands. */
const COMMAND_ENDS_WITHIN_MS = 20_000;
const AT_ONCE = 16;
/** These go on while the log answers, and a leader that is cut off answers at first. `faults/answers-in-time` has them beside a silent log. */
const goesOn = (route: string): boolean =>
  longRoutes.has(route) || ['the own API that waits', "the vendor's API synchronously"].includes(route);

/** These need files of other commands, and end before they ask the server. */
const local = ['fn layer put', 'fn deploy', 'restore', 'project encrypt', 'keys rotate'];

const { bin, version } = await ensureServer();
if (!isReplicable(version))
  say(`skipped: Sequent refuses several replicas on nats-server ${version}, because they can differ after failures`);

type Context = {
  atLeader: ServedSequent;
  besides: ServedSequent;
  leaderUrl: string;
  cutLeader: (link: 'cut' | 'hole') => void;
  heal: () => void;
};

function put(sequent: ServedSequent): Promise<Response> {
  return sequent.call('PUT', `/api/functions/${MINE.function}`, { body: { handler: { kind: 'subject', subject: 'fn.mine' } } });
}

/** A server that was cut off asks for an election some seconds after it is back. A role that starts during the election ends, so it is started again. */
async function startGateway(url: string): Promise<ServedSequent> {
  const endsAt = Date.now() + 60_000;
  for (;;) {
    try {
      return await startClusteredSequent([url], ['gateway']);
    } catch (error) {
      if (!(error instanceof NatsUnavailableError) && !/TIMEOUT/.test(String(error))) throw error;
      if (Date.now() > endsAt) throw error;
    }
  }
}

/** Whether the log answers. It may refuse: other requests of the test changed the function. */
const hasAnswer = async (sequent: ServedSequent): Promise<boolean> => (await put(sequent)).status < 500;

describe.skipIf(!isReplicable(version))('beside a leader of the log that is cut off', () => {
  let folder: string;
  let cluster: Cluster;
  let roles: ServedSequent;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sequent-answers-'));
    await writeFile(join(folder, 'order.mjs'), 'export const handler = () => ({});\n');
    await writeFile(join(folder, 'lines.jsonl'), '{"a":1}\n');
    cluster = await startCluster(bin, folder);
    roles = await startClusteredSequent([...cluster.urls], ['worker', 'scheduler', 'destinations']);
  }, 120_000);
  afterAll(async () => {
    await roles?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    await removeDataFolder(folder);
  });

  /** Opens a gateway at the server that leads the log, and one at another server. Afterwards the whole cluster answers again. */
  async function withGateways(run: (context: Context) => Promise<void>): Promise<void> {
    const leader = await cluster.leader();
    const leaderUrl = cluster.urls[cluster.members.indexOf(leader)] ?? '';
    const other = cluster.urls.find((url) => url !== leaderUrl) ?? '';
    await using atLeader = await startGateway(leaderUrl);
    await using besides = await startGateway(other);
    await put(besides);
    const setRoutes = (link: 'cut' | 'hole' | 'open'): void => {
      for (const route of leader.routes) route.set(link);
    };
    const heal = (): void => setRoutes('open');
    try {
      await run({ atLeader, besides, leaderUrl, cutLeader: setRoutes, heal });
    } finally {
      heal();
    }
    await cluster.healthy();
    await eventually(async () => (await hasAnswer(atLeader)) && (await hasAnswer(besides)));
  }

  test.for(['cut', 'hole'] as const)('every route answers within ten seconds, with the routes %s (LATE1)', { timeout: 300_000 }, (link) =>
    withGateways(async ({ atLeader, besides, cutLeader, heal }) => {
      cutLeader(link);
      // The first requests find the old leader, and those after five seconds the election of the next one.
      const early = [sendAll(atLeader), sendAll(besides)];
      await delay(5_000);
      const late = [sendAll(atLeader), sendAll(besides)];
      for (const answers of await Promise.all([...early, ...late])) expectInTime(answers.filter(({ route }) => !goesOn(route)));
      // The other two servers elect a leader, and the log answers again.
      await expect.poll(() => hasAnswer(besides), { timeout: 60_000 }).toBe(true);
      heal();
    }),
  );

  test('every command ends within ten seconds at the server that is cut off (LATE1)', { timeout: 300_000 }, () =>
    withGateways(async ({ leaderUrl, cutLeader, heal }) => {
      cutLeader('cut');
      const limit = pLimit(AT_ONCE);
      const env = { NATS_URL: leaderUrl, SEQUENT_PROJECT: PROJECT };
      const run = async (command: string) => {
        const startedAt = performance.now();
        const { code, stderr } = await runCli(argumentsOf(command), { env, cwd: folder });
        return { command, code, stderr, ms: Math.round(performance.now() - startedAt) };
      };
      const ended = await Promise.all((await commandLines()).map((command) => limit(() => run(command))));
      const slowest = ended.toSorted((one, other) => other.ms - one.ms).slice(0, 8);
      say(JSON.stringify(slowest.map(({ command, code, ms }) => [command, code, ms])));
      heal();
      expect(ended.length).toBeGreaterThan(80);
      expect(ended.filter(({ ms, command }) => ms > COMMAND_ENDS_WITHIN_MS && !isNamed(command, waiting))).toEqual([]);
      const asked = ended.filter(({ command }) => !isNamed(command, local));
      expect(asked.filter(({ code, stderr }) => ![0, 6, 7].includes(code ?? -1) || (code !== 0 && !/^error: /m.test(stderr)))).toEqual([]);
    }),
  );
});
