import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { headers } from 'nats';
import { expect } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { Journal, readExecutions } from '#src/judge/collect.ts';
import type { Evidence } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { encodeEdn, writeEvidence } from '#src/judge/write-evidence.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { readStreams } from '#test/judge/read-server.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const handlerFile = new URL('chaos.mjs', import.meta.url).pathname;

/** How many invocations are accepted while processes are killed, how often one is killed, and the seed of the choices. */
export type KillStorm = { invocations: number; kills: number; seed: number };

/**
 * Runs two workers and two schedulers, and kills one of them or the nats-server again and again while requests arrive.
 * Expects that every accepted invocation ends once, and that no attempt is executed twice.
 */
export async function expectSurvival(storm: KillStorm, { server, folder }: { server: TestServer; folder: string }): Promise<void> {
  const random = createSeededRandom(storm.seed);
  const executions = join(folder, 'executions');
  await writeFile(executions, '');
  const env = { NATS_URL: server.url, SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '2000' };
  const roles = ['worker', 'worker', 'scheduler', 'scheduler'];
  const processes = await Promise.all(roles.map((role) => startSequent(['--role', role], env)));
  // A storm that fails leaves no role behind, which would connect to a later server on this port.
  await using _processes = {
    async [Symbol.asyncDispose]() {
      for (const role of processes) await role[Symbol.asyncDispose]();
    },
  };
  await using client = await connectClient({ servers: server.url, acceptWithinMs: 30_000 });
  await client.functions.put({
    name: 'chaos',
    handler: { kind: 'process', file: handlerFile },
    concurrency: 64,
    userData: { executions },
    policy: { maxRetries: 3, maxAgeInSeconds: 3_600, backoff: { initialInMs: 300, factor: 2, maxInMs: 2_000, jitter: 0.5 } },
  });

  const journal = new Journal();
  const sending = sendAll({ servers: server.url, client, journal }, storm);
  const kills = await killRepeatedly({ server, processes, roles, env, random, kills: storm.kills });
  const accepted = await sending;
  {
    await using log = await watchLog(server.url);
    accepted.add(await cutAttempt({ client, journal, log, processes, env }));
    await log.untilNotified([...accepted]);
  }

  await using nats = await openNats(server.url);
  const { invocations, facts, problems } = await foldWholeLog(nats.ports.log);
  const lost = [...accepted].filter((id) => !invocations.has(id));
  const lives = [...facts].flatMap(([id, life]) => findLifeProblems(id, life));
  const failed = [...invocations.values()].filter(({ context }) => context.outcome?.type !== 'succeeded');
  const cut = [...invocations.values()].reduce((sum, { context }) => sum + context.lost, 0);
  const executed = (await readFile(executions, 'utf8')).trim().split('\n');
  const started = new Set(
    [...facts.values()].flat().flatMap((fact) => (fact.type === 'running' ? [`${fact.invocation} ${fact.attempt}`] : [])),
  );
  process.stdout.write(
    `chaos: seed ${storm.seed}, ${JSON.stringify(kills)} kills, ${accepted.size} accepted, ${invocations.size} in the log, ${cut} attempts cut, ${executed.length} executions of ${started.size} attempts\n`,
  );

  const evidence = { client: journal.ops, executions: readExecutions(executions), expected: { chaos: {} }, isOver: true };
  const whole = { ...(await readStreams(server.url)), ...evidence };
  expect(judge(whole), INVARIANT).toEqual([]);
  const { SEQUENT_RECORD_EVIDENCE: recorded } = process.env;
  if (recorded !== undefined) await recordEvidence(recorded, whole);
  expect(problems, INVARIANT).toEqual([]);
  expect(lost, INVARIANT).toEqual([]);
  expect(lives, INVARIANT).toEqual([]);
  expect(
    failed.map(({ context }) => context.outcome),
    INVARIANT,
  ).toEqual([]);
  expect(accepted.size).toBe(storm.invocations + 1);
  // Each execution is an attempt in the log, and no attempt was executed twice.
  expect(
    executed.filter((execution) => !started.has(execution)),
    INVARIANT,
  ).toEqual([]);
  expect(new Set(executed).size, INVARIANT).toBe(executed.length);
  expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(storm.kills);
  expect(cut).toBeGreaterThan(0);
}

/** The history of a storm, as `test/judge/recorded/` keeps one: for `npm run judge`, and for Elle and Knossos. */
async function recordEvidence(file: string, evidence: Evidence): Promise<void> {
  writeEvidence(`${file}.jsonl`, evidence);
  await writeFile(`${file}.edn`, encodeEdn(evidence.client));
}

type Sender = { servers: string; client: SequentClient; journal: Journal };

/** Publishes half of the requests raw with their own ids, and half in batches of the client. Spreads them over the kills. */
async function sendAll({ servers, client, journal }: Sender, { invocations, kills }: KillStorm): Promise<Set<string>> {
  const accepted = new Set<string>();
  const connection = await openConnection({ servers });
  const publisher = createPublisher(connection, { timeoutInMs: 2_000 });
  const half = invocations / 2;
  const perRound = Math.ceil(half / (kills * 2));

  async function publishRaw(i: number): Promise<void> {
    const id = `raw-${i}`;
    await journal.record('submit', { function: 'chaos', ids: [id] }, async () => {
      for (;;) {
        const found = headers();
        found.set('Request-Id', id);
        const answer = await publisher.publish('invoke.chaos', JSON.stringify({ i }), found);
        if (answer.kind === 'stored') return;
        await systemClock.sleep(50);
      }
    });
    accepted.add(id);
  }

  for (let i = 0; i < half; i += perRound) {
    const numbers = Array.from({ length: Math.min(perRound, half - i) }, (_, k) => i + k);
    const events = numbers.map((number) => ({ i: number }));
    const batch = journal.record('submit', { function: 'chaos' }, () => client.invokeMany('chaos', events), {
      seen: (invoked) => ({ ids: invoked.map(({ requestId }) => requestId) }),
    });
    const sent = await Promise.all([batch, ...numbers.map(publishRaw)]);
    for (const { requestId } of sent[0]) accepted.add(requestId);
    await systemClock.sleep(400);
  }
  publisher.close();
  await connection.close();
  return accepted;
}

type Killing = {
  server: TestServer;
  processes: SequentProcess[];
  roles: string[];
  env: Record<string, string>;
  random: () => number;
  kills: number;
};

async function killRepeatedly({ server, processes, roles, env, random, kills: wanted }: Killing): Promise<Record<string, number>> {
  const kills: Record<string, number> = { worker: 0, scheduler: 0, 'nats-server': 0 };
  for (let count = 0; count < wanted; count++) {
    await systemClock.sleep(200 + random() * 900);
    const victim = Math.floor(random() * (roles.length + 2));
    const role = roles[victim];
    if (role === undefined) {
      await server.kill();
      await systemClock.sleep(random() * 500);
      await server.restart();
      kills['nats-server'] = (kills['nats-server'] ?? 0) + 1;
    } else {
      await killAndStart(processes, victim, { role, env });
      kills[role] = (kills[role] ?? 0) + 1;
    }
  }
  return kills;
}

type Cut = { client: SequentClient; journal: Journal; log: LogWatch; processes: SequentProcess[]; env: Record<string, string> };

/** Kills both workers while one of them runs an attempt that nothing else ends. The other kills may all come between two attempts. */
async function cutAttempt({ client, journal, log, processes, env }: Cut): Promise<string> {
  const { requestId } = await journal.record('submit', { function: 'chaos' }, () => client.invoke('chaos', { i: 1, hangsOnce: true }), {
    seen: (invoked) => ({ ids: [invoked.requestId] }),
  });
  await log.until((fact) => fact.type === 'running' && fact.invocation === requestId);
  for (const index of [0, 1]) await killAndStart(processes, index, { role: 'worker', env });
  return requestId;
}

type Started = { role: string; env: Record<string, string> };

async function killAndStart(processes: SequentProcess[], index: number, { role, env }: Started): Promise<void> {
  await processes[index]?.signal('SIGKILL');
  processes[index] = await startSequent(['--role', role], env);
}
