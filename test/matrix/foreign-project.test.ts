import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { questionsOfProjects } from '#src/core/history-questions.ts';
import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { isReading } from '#src/gateway/auth/origin.ts';
import { userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { openApp } from '#test/support/gateway/opened-app.ts';
import { PROJECT, type ServedSequent, STRANGER, startGuardedSequent, TOKEN } from '#test/support/gateway/running-gateway.ts';
import { type Call, callsOf, type Documented, documentedRoutes, fieldNames } from '#test/support/matrix/calls.ts';
import { queriesAbout } from '#test/support/matrix/history-queries.ts';
import { connectionsOf, destinationKinds, destinationsAbout, handlerKinds, handlersAbout } from '#test/support/matrix/kind-rules.ts';
import { overHttp } from '#test/support/matrix/over-http.ts';
import { MINE, routeRules } from '#test/support/matrix/route-rules.ts';
import { type StoredState, storedStateExcept } from '#test/support/matrix/stored-state.ts';
import { patternsAbout, subjectsAbout } from '#test/support/matrix/subject-rules.ts';
import { answerFor, establish, GHOST, OTHER, OWN, type Victim } from '#test/support/matrix/victims.ts';
import { type GuardedServer, startGuardedServer } from '#test/support/nats/guarded-server.ts';

/*
 * The matrix: one project × every route × read and write gives nothing of another project, and changes nothing there.
 *
 * The routes come from the router, and their positions from the OpenAPI document. A route, a query parameter or a field of a body without a
 * rule in `route-rules.ts` fails a test here.
 */

const VICTIMS = [OWN, OTHER] as const;
const ABOUT = [GHOST, ...VICTIMS];
const OTHER_TOKEN = 'the token of the other project';
const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

let guarded: GuardedServer;
let sequent: ServedSequent;
let client: SequentClient;
let asked: string[];
let askedBefore: string[];
let before: StoredState;
let documented: ReadonlyMap<string, Documented>;
const { app } = await openApp({ credentials: [{ project: 'p', tokenHash: hashOf('') }] });
const routes = [...new Set(app.routes.map(({ method, path }) => `${method} ${path}`))];

beforeAll(async () => {
  const printed = (['producer', 'consumer', 'history'] as const).map((role) => ({
    ...userOfRole(role, { project: STRANGER.project }),
    name: `another_${role}`,
  }));
  guarded = await startGuardedServer({ sequent: {} }, printed);
  const connections = Object.assign({}, ...VICTIMS.map(connectionsOf));
  const credentials = [{ project: OTHER.project, tokenHash: hashOf(OTHER_TOKEN) }];
  sequent = await startGuardedSequent(guarded, 'sequent', { connections, credentials });
  client = await connectClient(guarded.as('sequent'));
  asked = answerFor(VICTIMS, client.connection);
  await client.connection.nats.flush();
  await Promise.all(VICTIMS.map((victim) => establish(client, victim)));
  await resetMine();
  documented = documentedRoutes((await (await fetch(`${sequent.url}/openapi.json`)).json()) as never);
  before = await storedStateExcept(STRANGER.project, client.connection);
  askedBefore = [...asked];
}, 180_000);
afterAll(async () => {
  await client?.close();
  await sequent?.[Symbol.asyncDispose]();
  await guarded?.[Symbol.asyncDispose]();
});

const FUNCTIONS = `/v2/${STRANGER.project}/fgs/functions`;

/** The texts of all calls. */
const sent: string[] = [];

/** Leaves the caller with one function that no worker runs, and one queued invocation. */
async function resetMine(): Promise<void> {
  const listed = await send({ method: 'GET', path: '/api/functions', headers: {}, isForeign: false });
  const { functions } = JSON.parse(listed.body) as { functions: { name: string }[] };
  for (const { name } of functions) await send({ method: 'DELETE', path: `${FUNCTIONS}/${name}`, headers: {}, isForeign: false });
  const mine = `${STRANGER.project}=${MINE.function}`;
  await client.functions.put({ name: mine, handler: { kind: 'inline' } });
  await client.functions.publish(mine, { version: 'v1' });
  await client.functions.putAlias(mine, { name: MINE.alias, version: 'v1' });
  await client.invokeText(mine, '{"mine":1}', { id: MINE.id });
}

type Reply = { call: Call; status: number; head: string; body: string };

type SendOptions = { isStream?: boolean | undefined; token?: string; isOverHttp?: boolean };

async function send(call: Call, { isStream = false, token = STRANGER.token, isOverHttp = false }: SendOptions = {}): Promise<Reply> {
  sent.push(textOf(call));
  const { method, path, headers, body } = call;
  const closing = new AbortController();
  const answer = isOverHttp ? sequent.call : sequent.ask;
  const reply = await answer(method, path, {
    headers: { ...headers, 'x-auth-token': token },
    signal: closing.signal,
    ...(body === undefined || method === 'GET' ? {} : { body: JSON.stringify(body) }),
  });
  const text = isStream && reply.status === 200 ? '' : await reply.text();
  closing.abort();
  return { call, status: reply.status, head: JSON.stringify([...reply.headers]), body: text };
}

/** What a reply tells of the victims beyond what the requests said. */
function leakedIn({ head, body }: Pick<Reply, 'head' | 'body'>, said: string): string[] {
  const text = `${head} ${body}`;
  const contents = VICTIMS.flatMap(({ secrets }) => secrets).filter((secret) => text.includes(secret));
  const names = [...text.matchAll(/Xq7(?:own|other)\w*/g)].map(([name]) => name).filter((name) => !said.includes(name));
  return [...contents, ...names];
}

const textOf = (call: Call): string => decodeURIComponent(JSON.stringify(call).replaceAll('+', ' '));
const describeCall = ({ call: { method, path, body }, status }: Reply): string =>
  `${method} ${path} ${JSON.stringify(body) ?? ''} → ${status}`;

const CONCURRENT = 64;

/** Sends all requests of a route for one victim. Requests that can change something of the caller are sent in order. */
async function sendAll(route: string, victim: Victim): Promise<Reply[]> {
  const rule = routeRules[route] ?? {};
  const known = documented.get(route) ?? { query: [], headers: [], bodyFields: new Set() };
  const calls = callsOf({ route, rule, documented: known, victim, project: STRANGER.project });
  const isParallel = isReading(methodOf(route));
  const replies: Reply[] = [];
  while (replies.length < calls.length) {
    const next = calls.slice(replies.length, replies.length + CONCURRENT);
    const inOrder = next.findIndex(({ isForeign }) => !isForeign || !route.includes(':') || rule.isLimited === true);
    const count = isParallel || inOrder < 0 ? next.length : Math.max(1, inOrder);
    const options = { isStream: rule.isStream, isOverHttp: overHttp.has(route) };
    replies.push(...(await Promise.all(next.slice(0, count).map((call) => send(call, options)))));
  }
  return replies;
}

/** What the caller can read of its own function and invocation, whatever an earlier request made of them. */
const READ_BACK = [`${FUNCTIONS}/mine/code`, `${FUNCTIONS}/mine/config`, '/api/functions/mine', `/api/invocations/${MINE.id}`];

/** The replies about one victim, and what the caller reads of its own function afterwards. */
async function repliesAbout(route: string, victim: Victim): Promise<Reply[]> {
  const replies = await sendAll(route, victim);
  if (isReading(methodOf(route))) return replies;
  const read = await Promise.all(READ_BACK.map((path) => send({ method: 'GET', path, headers: {}, isForeign: false })));
  await resetMine();
  return [...replies, ...read];
}

/** Calls a route about each victim, and compares the replies with those about a project that does not exist. */
async function expectNothing(route: string): Promise<void> {
  const all: Reply[][] = [];
  if (isReading(methodOf(route))) all.push(...(await Promise.all(ABOUT.map((victim) => repliesAbout(route, victim)))));
  else for (const victim of ABOUT) all.push(await repliesAbout(route, victim));
  const [ghost = [], ...others] = all;
  const expected = ghost.map(({ status }) => status);
  for (const replies of others) {
    let said = routeRules[route]?.repeatsCalls === true ? sent.join('') : '';
    const leaks = replies.flatMap((reply) => {
      said += textOf(reply.call);
      return leakedIn(reply, said).map((leak) => `${describeCall(reply)}: ${leak}`);
    });
    expect(leaks).toEqual([]);
    // A name that exists elsewhere is answered as a name that exists nowhere. A refusal for the load would prove nothing.
    const differing = replies.filter(({ status }, index) => status !== expected[index] || status === 429).map(describeCall);
    if (routeRules[route]?.isCounted !== true) expect([replies.length, differing]).toEqual([expected.length, []]);
  }
}

const methodOf = (route: string): string => route.split(' ')[0] ?? '';

describe('the routes of the gateway', () => {
  test('have a rule in the matrix each, and no rule is left over', () => {
    expect(Object.keys(routeRules).sort()).toEqual([...routes].sort());
    expect([...overHttp].filter((route) => !routes.includes(route))).toEqual([]);
  });

  test('have each field of their body in a request of the matrix', () => {
    for (const [route, { bodyFields }] of documented) {
      const bodies = OWN.values.flatMap((value) => routeRules[route]?.bodies?.(value, OWN) ?? []);
      const used = new Set(fieldNames(bodies));
      expect([route, [...bodyFields].filter((field) => !used.has(field))]).toEqual([route, []]);
    }
  });
});

describe('a project', () => {
  test('sees what the matrix looks for in its own replies', async () => {
    for (const [{ names, content }, token] of [
      [OWN, TOKEN],
      [OTHER, OTHER_TOKEN],
    ] as const) {
      const { status, body } = await send(
        { method: 'GET', path: `/api/invocations/${names}-failed`, headers: {}, isForeign: true },
        { token, isOverHttp: true },
      );
      expect([status, body]).toEqual([200, expect.stringContaining(`${content} payload`)]);
    }
  });

  // The routes that read come first, because names that the caller gave to its own functions may appear in later replies.
  const readingFirst = [true, false].flatMap((reads) => routes.filter((route) => isReading(methodOf(route)) === reads));
  // A query in SQL starts a process.
  test.for(readingFirst)('gets nothing of another one by %s', { timeout: 180_000 }, expectNothing);

  test('changed nothing of another one by all these requests', async () => {
    const after = await storedStateExcept(STRANGER.project, client.connection);
    expect(Object.keys(before).length).toBeGreaterThan(20);
    // The packages of the caller have no project in their subjects.
    expect(Object.fromEntries(Object.keys(before).map((subject) => [subject, after[subject]]))).toEqual(before);
    expect(Object.keys(after).filter((subject) => before[subject] === undefined && !subject.startsWith('OBJ_'))).toEqual([]);
    expect(asked).toEqual(askedBefore);
  });
});

describe('a definition of a project', () => {
  const asked = createServer((_, reply) => void reply.end('"asked"'));
  let loopback: number;
  beforeAll(async () => {
    await once(asked.listen(0, '127.0.0.1'), 'listening');
    loopback = (asked.address() as AddressInfo).port;
  });
  afterAll(() => void asked.close());

  /** What happens with a function of this definition: its refusal, or the failure of its invocation. */
  async function outcomeOf(body: object): Promise<string> {
    const call = { method: 'PUT', path: '/api/functions/hostile', headers: {}, body, isForeign: true };
    const { status, body: answer } = await send(call);
    if (status !== 200) return answer;
    const path = '/api/functions/hostile/invocations';
    const failed = await send({ method: 'POST', path, headers: { prefer: 'wait=15' }, body: {}, isForeign: true });
    await send({ method: 'DELETE', path: `${FUNCTIONS}/hostile`, headers: {}, isForeign: true });
    return failed.body;
  }

  test('can have these kinds of handlers and destinations, each with a rule in the matrix', () => {
    expect(Object.keys(handlersAbout(OWN, 0)).sort()).toEqual([...handlerKinds].sort());
    expect(Object.keys(destinationsAbout(OWN)).sort()).toEqual([...destinationKinds].sort());
  });

  test.for([...handlerKinds, ...destinationKinds])('uses nothing of another project by a %s', async (kind) => {
    for (const victim of VICTIMS) {
      const rules: Record<string, { definition: object; problem: RegExp }[]> = {
        ...handlersAbout(victim, loopback),
        ...destinationsAbout(victim),
      };
      for (const { definition, problem } of rules[kind] ?? []) {
        const outcome = await outcomeOf(definition);
        expect(outcome).toMatch(problem);
        expect(victim.secrets.filter((secret) => outcome.includes(secret))).toEqual([]);
      }
    }
  });
});

describe.each(['producer', 'consumer', 'history'] as const)('a %s of a project', (role) => {
  test('is refused every subject and service of another project by the NATS server', async () => {
    const inboxPrefix = inboxPrefixOf(role, STRANGER.project);
    const { nats, refusals, close } = await openConnection({ ...guarded.as(`another_${role}`), inboxPrefix }, { needsJetStream: false });
    const refused = new Set<string>();
    const heard: string[] = [];
    refusals.listen(({ operation, subject }) => void refused.add(`${operation} ${subject}`));
    const publish = VICTIMS.flatMap(subjectsAbout);
    const subscribe = VICTIMS.flatMap(patternsAbout);
    for (const subject of subscribe) nats.subscribe(subject, { callback: (error, message) => void (error ?? heard.push(message.subject)) });
    for (const subject of publish) nats.publish(subject, JSON.stringify({ id: `${OWN.names}-failed` }), { reply: `${inboxPrefix}.reply` });
    nats.subscribe(`${inboxPrefix}.>`, { callback: (_, message) => void heard.push(message.string()) });
    await refusals.settle();
    // The results of a victim, and the answers to questions of the operator, pass the server meanwhile.
    await client.invoke(OWN.token(`${OWN.names}done`), {}).then(({ result }) => result());
    await client.history.list({ id: `${OWN.names}-failed` });
    await refusals.settle();
    const all = [...publish.map((subject) => `publish ${subject}`), ...subscribe.map((subject) => `subscribe ${subject}`)];
    expect(all.filter((operation) => !refused.has(operation))).toEqual([]);
    expect(heard).toEqual([]);
    await close();
  });
});

describe('a history user of a project', () => {
  test('is answered from this project alone, whatever it asks', async () => {
    const inboxPrefix = inboxPrefixOf('history', STRANGER.project);
    const address = { ...guarded.as('another_history'), inboxPrefix, jetstreamApi: 'unused', historyProject: STRANGER.project } as const;
    await using reader = await connectClient(address);
    const mine = await reader.history.list({ id: MINE.id });
    expect(mine.invocations.map(({ id, function: name }) => [id, name])).toContainEqual([MINE.id, `${STRANGER.project}=${MINE.function}`]);
    await using own = await connectClient({ ...guarded.as('sequent'), historyProject: PROJECT });
    expect((await own.history.list({ limit: 500 })).invocations.filter(({ function: name }) => name.includes('='))).toEqual([]);
    const { nats } = reader.connection;
    for (const question of questionsOfProjects) {
      const asked = VICTIMS.flatMap((victim) =>
        [...victim.values, victim.project].flatMap((value) => queriesAbout(question, value, victim)),
      );
      expect(asked.length).toBeGreaterThan(5);
      for (const query of asked) {
        const text = JSON.stringify(query);
        const reply = await nats.request(`history.project.${STRANGER.project}.${question}`, text, { timeout: 30_000 });
        const head = JSON.stringify([...(reply.headers ?? [])]);
        expect([text, leakedIn({ head, body: reply.string() }, text)]).toEqual([text, []]);
      }
    }
    await expect(reader.history.status()).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' });
  });
});
