import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { openApp } from '#test/support/gateway/opened-app.ts';
import { STRANGER, TOKEN } from '#test/support/gateway/running-gateway.ts';
import { type StoredState, storedStateExcept } from '#test/support/matrix/stored-state.ts';
import { idOf, nameOf, OTHER, OWN } from '#test/support/matrix/victims.ts';
import { startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { attackByBodies, attackByCode, attackOverHttp, isDefect, isNotRun, type Outcome, readIn } from '#test/support/neighbour/attack.ts';
import { type CodeAttempt, codeAttempts } from '#test/support/neighbour/code/code-attempts.ts';
import { forgetPythonMark, hasPythonMark, hostilePython, pythonAttempts } from '#test/support/neighbour/code/python-attempts.ts';
import { BEAT, type Ground, OTHER_TOKEN, openGround, type Probe, percentile, startProbe } from '#test/support/neighbour/ground.ts';
import { hostileKinds } from '#test/support/neighbour/hostile-texts.ts';
import { type Document, type HttpAttempt, httpAttempts } from '#test/support/neighbour/http-attempts.ts';
import { chosenMachine, chosenServers } from '#test/support/neighbour/machines.ts';
import { isOfStranger, type NatsAttempt, natsAttempts, runNatsAttempts } from '#test/support/neighbour/nats-attempts.ts';
import { harmInShell, leaveForOperator } from '#test/support/neighbour/operator.ts';
import { harmInBrowser } from '#test/support/neighbour/operator-pages.ts';
import { serviceAttempts } from '#test/support/neighbour/service-attempts.ts';

/*
 * Two hostile tenants beside a victim: B is another project with every right of a tenant, and C is a client of NATS with `invoke.*` alone.
 * The attempts come from the routes of the router, the OpenAPI document, the schemas of bodies and the subjects of the topology, so a new
 * field is attacked without a change here. After all of them, the goods of the victim are judged: nobody read it, changed it, delayed it or
 * denied it anything, and nothing ran in the operator's shell or browser.
 */

/** Ends only a hang: a machine that others use takes ten times as long as a quiet one. */
const MAX_WAIT = { timeout: 900_000 };

/** Whether `npm run neighbour` runs. */
const isWhole = process.env.SEQUENT_NEIGHBOUR_TEXTS !== undefined;

let folder: string;
let ground: Ground;
let probe: Probe;
let before: StoredState;
let readBefore: string[];
/** What the delay may be beyond twice that of the victim alone. Of the few beats of a short run, one pause decides the percentile. */
const MORE_IN_MS = isWhole ? 50 : 250;
/** What this variant tried, and what succeeded of it. */
const tally = { attempts: 0, successes: 0, startedAt: performance.now() };
/** The beats of the victim alone before each kind of attempts, and those beside the attempts. */
const alone: number[] = [];
const attacked: { times: number[]; failures: string[] } = { times: [], failures: [] };
let overHttp: HttpAttempt[];
let overNats: NatsAttempt[];
let byCode: CodeAttempt[];
let byPython: CodeAttempt[];

const credentials = [{ project: 'p', tokenHash: Buffer.alloc(32) }];
const routes = [...new Set((await openApp({ credentials })).app.routes.map(({ method, path }) => `${method} ${path}`))];

/** What the victims have stored, without the beats of the victim, and without the requests that C may send. */
async function storedOfVictims(): Promise<StoredState> {
  const stored = await storedStateExcept(STRANGER.project, ground.client.connection);
  return Object.fromEntries(Object.entries(stored).filter(([subject]) => !subject.includes(`.${BEAT}`) && !isOfStranger(subject)));
}

/** What the victims read of their own. */
async function readByVictims(): Promise<string[]> {
  const asked = [
    ...[OWN, OTHER].flatMap((victim) => {
      const token = victim === OWN ? TOKEN : OTHER_TOKEN;
      return [
        { path: `/api/functions/${nameOf(victim, 'done')}`, token },
        { path: `/api/invocations/${idOf(victim, 'done')}`, token },
        { path: `/api/invocations/${idOf(victim, 'failed')}/events`, token },
      ];
    }),
  ];
  return await Promise.all(asked.map(async ({ path, token }) => (await ground.send({ method: 'GET', path }, token)).body));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sequent-neighbour-'));
  ground = await openGround(folder);
  const document = JSON.parse((await ground.send({ method: 'GET', path: '/openapi.json' })).body) as Document;
  overHttp = httpAttempts(routes, document, STRANGER.project);
  const streams: string[] = [];
  for await (const { config } of ground.client.connection.manager.streams.list()) streams.push(config.name);
  overNats = natsAttempts(streams);
  const { dataDir, pid, ports } = ground.served;
  const machine = { dataDir, pid, ports, secretFiles: ground.secretFiles };
  byCode = codeAttempts(machine);
  byPython = pythonAttempts(machine);
  probe = startProbe(ground);
  await probe.beats(20);
  before = await storedOfVictims();
  readBefore = await readByVictims();
}, MAX_WAIT.timeout);
afterAll(async () => {
  const { version } = ground.client.connection.nats.info ?? {};
  const seconds = Math.round((performance.now() - tally.startedAt) / 1_000);
  const variant = `${chosenMachine().name}, ${chosenServers()}, nats-server ${version}`;
  process.stdout.write(`${variant}: ${tally.attempts} attempts, ${tally.successes} successes, ${seconds} s\n`);
  await probe?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
  await removeDataFolder(folder);
});

/** How often the victim beats alone before each kind of attempts. */
const ALONE = 20;

/** Keeps the beats of the victim alone, and then those beside the attempts. */
async function beside<Result>(kind: string, attack: () => Promise<Result>): Promise<Result> {
  alone.push(...(await probe.beats(ALONE)).times);
  const result = await attack();
  const { times, failures } = await probe.beats(1);
  attacked.times.push(...times);
  attacked.failures.push(...failures);
  process.stdout.write(`delay of the victim: ${inWords(alone)} alone, ${inWords(times)} beside ${kind}\n`);
  return result;
}

const inWords = (times: readonly number[]): string =>
  `99 % of ${times.length} within ${Math.round(percentile(times, 0.99))} ms and all within ${Math.round(percentile(times, 1))} ms`;

/** Counts the attempts, and expects that none of them succeeded. */
function expectNone(attempts: number, succeeded: readonly unknown[]): void {
  tally.attempts += attempts;
  tally.successes += succeeded.length;
  expect(succeeded).toEqual([]);
}

/** What the victim may take beside the attempts, at its 99th percentile. */
const longestDelay = (times: readonly number[]): number => 2 * percentile(times, 0.99) + MORE_IN_MS;

function expectHarmless(outcomes: readonly Outcome[], succeeded: readonly string[] = []): void {
  const defects = outcomes.filter(isDefect).map(({ name, status, text }) => `${status} ${name}: ${text.slice(0, 300)}`);
  expectNone(outcomes.length, [...succeeded, ...outcomes.flatMap(readIn), ...defects]);
  // A refusal for the load would prove nothing.
  expect(outcomes.filter(({ status }) => status === 429).length).toBeLessThan(outcomes.length / 20);
}

describe('the attempts of the neighbours', () => {
  test('are more than 200, of each kind of text, on each route, and by each way', () => {
    expect(overHttp.length).toBeGreaterThan(800);
    expect(overNats.length).toBeGreaterThan(200);
    expect(byCode.length).toBeGreaterThan(30);
    expect(byPython.length).toBeGreaterThan(40);
    expect(hostileKinds.filter((kind) => !overHttp.some(({ name }) => name.endsWith(` ${kind}`)))).toEqual([]);
    const attacked = new Set(overHttp.map(({ name }) => name.split(' ', 2).join(' ')));
    const withPositions = routes.filter((route) => /[:*]|^(?:PUT|PATCH) /.test(route));
    expect(withPositions.filter((route) => !attacked.has(route))).toEqual([]);
  });
});

/** A machine that cannot isolate code runs none of it; every other one runs all of it. */
function expectRunOrRefused(outcomes: readonly Outcome[]): void {
  const refused = outcomes.filter(({ text }) => isNotRun(text)).length;
  expect([0, outcomes.length]).toContain(refused);
}

/** Attempts whose connection the gateway closed, by the reason: a gateway that ended would close all of them. */
function expectAlive(outcomes: readonly Outcome[]): void {
  const closed = outcomes.filter(({ status }) => status === 0);
  expect(closed.filter(({ text }) => !/EPIPE|ECONNRESET|other side closed/.test(text)).map(({ name, text }) => `${name}: ${text}`)).toEqual(
    [],
  );
  expect(closed.length).toBeLessThan(outcomes.length / 10);
}

describe('a victim beside hostile neighbours', () => {
  test('is not read by any text in any field of any route', MAX_WAIT, async () => {
    const outcomes = await beside('texts over HTTP', () => attackOverHttp(ground, overHttp));
    expectHarmless(outcomes);
    expectAlive(outcomes);
  });

  test('is not read by bodies that are hostile as a whole', MAX_WAIT, async () => {
    const outcomes = await beside('bodies', () => attackByBodies(ground));
    expectHarmless(outcomes);
  });

  test('is not reached by uploaded code', MAX_WAIT, async () => {
    const { succeeded, outcomes } = await beside('code', () => attackByCode(ground, byCode));
    expectHarmless(outcomes, succeeded);
    expectRunOrRefused(outcomes);
  });

  test('is not reached by uploaded Python, which runs nowhere but in its sandbox', MAX_WAIT, async () => {
    forgetPythonMark();
    const code = { zip: await hostilePython(), runtime: 'python3' };
    const { succeeded, outcomes } = await beside('Python', () => attackByCode(ground, byPython, code));
    expectHarmless(outcomes, succeeded);
    expectRunOrRefused(outcomes);
    expect(hasPythonMark()).toBe(false);
  });

  // They take minutes, so `npm run neighbour` alone makes them.
  test.runIf(isWhole).for(serviceAttempts.map(({ name }) => name))('loses nothing by %s', MAX_WAIT, async (name) => {
    const attempt = serviceAttempts.find((one) => one.name === name);
    const reached = await beside(name, async () => attempt?.run(ground));
    expectNone(1, reached === undefined ? [] : [reached]);
  });

  test('tells a client with invoke.* alone nothing but acknowledgements', MAX_WAIT, async () => {
    const nats = await connect(ground.served.stranger);
    const heard = await beside('messages', () => runNatsAttempts(nats, overNats));
    await nats.close();
    expectNone(
      overNats.length,
      heard.filter(({ text }) => !/^\{"(?:stream"|error":\{)/.test(text)),
    );
  });

  // `npm run neighbour` alone looks at all of them, because that takes minutes.
  describe.runIf(isWhole)('and an operator who looks at the texts of the neighbour', () => {
    beforeAll(async () => {
      const taken = await leaveForOperator(ground);
      expect(taken).toBeGreaterThan(250);
      tally.attempts += taken;
    }, MAX_WAIT.timeout);

    test('runs nothing in a shell of the operator', MAX_WAIT, async () => {
      expectNone(0, await harmInShell(ground, ['bash', 'zsh', 'fish']));
    });

    test('runs nothing in a browser, and sends nothing to another origin', MAX_WAIT, async () => {
      const { harm, looked } = await harmInBrowser(ground);
      expectNone(0, harm);
      expect(looked).toBeGreaterThan(25);
    });
  });

  test('is delayed to at most twice its 99th percentile alone and 50 ms, or 250 ms in a short run', async () => {
    const { failures } = await probe.beats(20);
    expectNone(0, [...attacked.failures, ...failures]);
    expect(attacked.times.length).toBeGreaterThan(50);
    expect(percentile(attacked.times, 0.99)).toBeLessThan(longestDelay(alone));
  });

  test('is denied nothing that it did before', async () => {
    const definition = JSON.stringify({ handler: { kind: 'inline' } });
    const schedule = JSON.stringify({ cron: '0 0 1 1 *', function: 'later' });
    for (const token of [TOKEN, OTHER_TOKEN]) {
      const replies = [
        await ground.send({ method: 'PUT', path: '/api/functions/later', body: definition }, token),
        await ground.send({ method: 'PUT', path: '/api/schedules/later', body: schedule }, token),
        await ground.send({ method: 'POST', path: '/api/functions/later/invocations', body: '{}' }, token),
        await ground.send({ method: 'GET', path: '/api/invocations?limit=5' }, token),
        await ground.send({ method: 'GET', path: '/api/system' }, token),
      ];
      expectNone(
        0,
        replies.filter(({ status }) => status >= 300).map(({ status, body }) => `${status} ${body}`),
      );
    }
  });

  test('is changed in nothing', async () => {
    expect(await readByVictims()).toEqual(readBefore);
    const after = await storedOfVictims();
    const changed = Object.keys(before)
      .filter((subject) => after[subject] !== before[subject])
      .map((subject) => `${subject}: ${before[subject]}, then ${after[subject]}`);
    const added = Object.keys(after).filter((subject) => before[subject] === undefined && !/ OBJ_|later/.test(` ${subject}`));
    expectNone(0, [...changed, ...added]);
  });
});

describe('the judge of these attempts', () => {
  test('finds a gateway that stands still for longer than the victim may wait', async () => {
    const { times: quiet } = await probe.beats(20);
    process.kill(ground.served.gatewayPid, 'SIGSTOP');
    await delay(longestDelay(quiet) + 100);
    process.kill(ground.served.gatewayPid, 'SIGCONT');
    const { times: delayed } = await probe.beats(20);
    expect(percentile(delayed, 0.99)).toBeGreaterThan(longestDelay(quiet));
  });

  test('finds the hole of a server on which clients share the account of Sequent', async () => {
    await using server = await startGuardedServer(
      { admin: {} },
      [userOfRole('producer')].map(({ name, permissions }) => ({ name, permissions })),
    );
    await using owner = await openNats(server.as('admin'));
    await owner.ports.functions.put('hello', '{}');
    await owner.ports.log.accept({ function: 'other' as never, stream: 'a' as never }, [{ payload: '{}' }]);
    const judged = async (): Promise<object> => {
      const stored = await storedStateExcept(STRANGER.project, owner.connection);
      return Object.fromEntries(Object.entries(stored).filter(([subject]) => !isOfStranger(subject)));
    };
    const present = await judged();
    const nats = await connect({ ...server.as('sequent_producer'), inboxPrefix: inboxPrefixOf('producer') });
    // The attempts may delete the stream that would acknowledge the last request.
    await runNatsAttempts(nats, natsAttempts(['INVOCATIONS', 'RESULTS', 'KV_SEQUENT_FUNCTIONS'])).catch(() => []);
    await nats.close();
    expect(await judged()).not.toEqual(present);
  });
});
