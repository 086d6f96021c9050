import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { openApp } from '#test/support/gateway/opened-app.ts';
import { STRANGER, TOKEN } from '#test/support/gateway/running-gateway.ts';
import { type StoredState, storedStateExcept } from '#test/support/matrix/stored-state.ts';
import { idOf, nameOf, OTHER, OWN } from '#test/support/matrix/victims.ts';
import { startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import {
  attackByBodies,
  attackByCode,
  attackOverHttp,
  isDefect,
  type Outcome,
  readIn,
  workHarmlessly,
} from '#test/support/neighbour/attack.ts';
import { type CodeAttempt, codeAttempts } from '#test/support/neighbour/code-attempts.ts';
import { BEAT, type Ground, OTHER_TOKEN, openGround, type Probe, percentile, startProbe } from '#test/support/neighbour/ground.ts';
import { hostileKinds } from '#test/support/neighbour/hostile-texts.ts';
import { type Document, type HttpAttempt, httpAttempts } from '#test/support/neighbour/http-attempts.ts';
import { isOfStranger, type NatsAttempt, natsAttempts, runNatsAttempts } from '#test/support/neighbour/nats-attempts.ts';
import { harmInShell, leaveForOperator } from '#test/support/neighbour/operator.ts';

/*
 * Two hostile tenants beside a victim: B is another project with every right of a tenant, and C is a client of NATS with `invoke.*` alone.
 * The attempts come from the routes of the router, the OpenAPI document, the schemas of bodies and the subjects of the topology, so a new
 * field is attacked without a change here. After all of them, the goods of the victim are judged: nobody read it, changed it, delayed it or
 * denied it anything, and nothing ran in the operator's shell. `test/pages/hostile.test.ts` judges the browser.
 */

let folder: string;
let ground: Ground;
let probe: Probe;
let before: StoredState;
let readBefore: string[];
/** The 99th percentile of the victim's beats beside a busy neighbour that is harmless, in milliseconds. */
let usual: number;
/** The beats beside the attempts, without those of the neighbour's code and of the operator, whose processes use the same processors. */
const attacked: { times: number[]; failures: string[] } = { times: [], failures: [] };
let overHttp: HttpAttempt[];
let overNats: NatsAttempt[];
let byCode: CodeAttempt[];

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
  const ports = [ground.http, ground.sequent.url].map((url) => Number(new URL(url).port));
  const { dataDir, process } = ground.sequent;
  byCode = codeAttempts({ dataDir, pid: process.pid ?? 0, ports, secretFiles: ground.secretFiles });
  probe = startProbe(ground);
  await probe.beats(20);
  await workHarmlessly(ground);
  usual = percentile((await probe.beats(100)).times, 0.99);
  before = await storedOfVictims();
  readBefore = await readByVictims();
}, 180_000);
afterAll(async () => {
  await probe?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Keeps the beats of the victim meanwhile. */
async function beside<Result>(attack: Promise<Result>): Promise<Result> {
  await probe.beats(1);
  const result = await attack;
  const { times, failures } = await probe.beats(1);
  attacked.times.push(...times);
  attacked.failures.push(...failures);
  return result;
}

function expectHarmless(outcomes: readonly Outcome[]): void {
  expect(outcomes.flatMap(readIn)).toEqual([]);
  expect(outcomes.filter(isDefect).map(({ name, status, text }) => `${status} ${name}: ${text.slice(0, 300)}`)).toEqual([]);
  // A refusal for the load would prove nothing.
  expect(outcomes.filter(({ status }) => status === 429).length).toBeLessThan(outcomes.length / 20);
}

describe('the attempts of the neighbours', () => {
  test('are more than 200, of each kind of text, on each route, and by each way', () => {
    expect(overHttp.length).toBeGreaterThan(800);
    expect(overNats.length).toBeGreaterThan(200);
    expect(byCode.length).toBeGreaterThan(30);
    expect(hostileKinds.filter((kind) => !overHttp.some(({ name }) => name.endsWith(` ${kind}`)))).toEqual([]);
    const attacked = new Set(overHttp.map(({ name }) => name.split(' ', 2).join(' ')));
    const withPositions = routes.filter((route) => /[:*]|^(?:PUT|PATCH) /.test(route));
    expect(withPositions.filter((route) => !attacked.has(route))).toEqual([]);
  });
});

/** Attempts whose connection the gateway closed, by the reason: a gateway that ended would close all of them. */
function expectAlive(outcomes: readonly Outcome[]): void {
  const closed = outcomes.filter(({ status }) => status === 0);
  expect(closed.filter(({ text }) => !/EPIPE|ECONNRESET|other side closed/.test(text)).map(({ name, text }) => `${name}: ${text}`)).toEqual(
    [],
  );
  expect(closed.length).toBeLessThan(outcomes.length / 10);
}

describe('a victim beside hostile neighbours', () => {
  test('is not read by any text in any field of any route', { timeout: 240_000 }, async () => {
    const outcomes = await beside(attackOverHttp(ground, overHttp));
    expectHarmless(outcomes);
    expectAlive(outcomes);
  });

  test('is not read by bodies that are hostile as a whole', { timeout: 120_000 }, async () => {
    const outcomes = await beside(attackByBodies(ground));
    expectHarmless(outcomes);
  });

  test('is not reached by uploaded code', { timeout: 240_000 }, async () => {
    const { succeeded, outcomes } = await attackByCode(ground, byCode);
    expect(succeeded).toEqual([]);
    expectHarmless(outcomes);
  });

  test('tells a client with invoke.* alone nothing but acknowledgements', { timeout: 120_000 }, async () => {
    const nats = await connect({ servers: ground.sequent.url });
    const heard = await beside(runNatsAttempts(nats, overNats));
    await nats.close();
    expect(heard.filter(({ text }) => !/^\{"(?:stream"|error":\{)/.test(text))).toEqual([]);
  });

  test('runs nothing in the shell of the operator, who looks at the neighbour', { timeout: 240_000 }, async () => {
    expect(await leaveForOperator(ground)).toBeGreaterThan(200);
    expect(await harmInShell(ground, ['bash', 'zsh', 'fish'])).toEqual([]);
  });

  test('is delayed to at most twice its usual 99th percentile and 50 ms', async () => {
    const { failures } = await probe.beats(20);
    expect([...attacked.failures, ...failures]).toEqual([]);
    expect(attacked.times.length).toBeGreaterThan(50);
    expect(percentile(attacked.times, 0.99)).toBeLessThan(2 * usual + 50);
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
      expect(replies.filter(({ status }) => status >= 300).map(({ status, body }) => `${status} ${body}`)).toEqual([]);
    }
  });

  test('is changed in nothing', async () => {
    expect(await readByVictims()).toEqual(readBefore);
    const after = await storedOfVictims();
    const changed = Object.keys(before).filter((subject) => after[subject] !== before[subject]);
    const added = Object.keys(after).filter((subject) => before[subject] === undefined && !/ OBJ_|later/.test(` ${subject}`));
    expect([changed, added]).toEqual([[], []]);
  });
});

describe('the judge of these attempts', () => {
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
