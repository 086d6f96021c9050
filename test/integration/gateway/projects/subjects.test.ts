import { describe, expect } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { encodeEntry } from '#src/core/functions/entry.ts';
import { isReserved } from '#src/core/names/addressable.ts';
import { SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { FUNCTIONS_BUCKET } from '#src/nats/wire/topology.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, STRANGER, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/*
 * No project may make Sequent send its bytes to a subject of Sequent, of the server, or of another project (rule U1).
 */

const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const process = { kind: 'process', file: handlers, export: 'greet' };

/** A subject for each pattern, with the function of the own project where a function belongs, and what the server reserves. */
const reserved = [
  ...Object.values(SEQUENT_SUBJECTS).map((pattern) => pattern.replace('*', 'ours').replaceAll(/[*>]/g, 'x1')),
  ...['history.list', 'history.rebuild.x1', 'worker.x1.cancel', 'result.ours.succeeded'],
];
const ofTheServer = ['$JS.API.STREAM.INFO.INVOCATIONS', '$KV.SEQUENT_FUNCTIONS.ours', '$SRV.PING', '_INBOX.x1'];
const ofOthers = ['images.thumbs', 'fn.other.x', 'fn.x'];

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let sequent: RunningSequent;
let tap: Connection;
/** Every message that any client publishes. */
const heard: { subject: string; text: string }[] = [];

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  // With the tap on every subject, a request without a responder is no longer refused at once.
  await eventually(() =>
    sequent.roles.ports.history.ask('status', {}).then(
      () => true,
      () => false,
    ),
  );
  tap = await openConnection({ servers: sequent.server.url });
  tap.nats.subscribe('>', { callback: (_, message) => void heard.push({ subject: message.subject, text: message.string() }) });
  await tap.nats.flush();
  await sequent.roles.registry.put({ name: 'ours', handler: process });
});
test.afterAll(async () => {
  await tap?.close();
});

type Owner = 'the own project' | 'another project';
const headersOf = (owner: Owner) => (owner === 'the own project' ? {} : { 'x-auth-token': STRANGER.token });

async function define(owner: Owner, name: string, definition: object): Promise<{ status: number; text: string }> {
  const reply = await sequent.call('PUT', `/api/functions/${name}`, {
    body: definition,
    headers: { ...headersOf(owner), 'if-match': '*' },
  });
  if (reply.status !== 412) return { status: reply.status, text: await reply.text() };
  const made = await sequent.call('PUT', `/api/functions/${name}`, { body: definition, headers: headersOf(owner) });
  return { status: made.status, text: await made.text() };
}

const refusals = [
  ...reserved.map((subject) => ['the own project', subject, 'is reserved for Sequent or the NATS server (rule U1)'] as const),
  ...reserved.map((subject) => ['another project', subject, 'is reserved for Sequent or the NATS server (rule U1)'] as const),
  ...ofOthers.map((subject) => ['another project', subject, `use a subject below \\"fn.${STRANGER.project}.\\"`] as const),
  // The name of a handler cannot contain the first character of these; for destinations the rule refuses them.
  ['the own project', '_INBOX.x1', 'is reserved'] as const,
  ['another project', '_INBOX.x1', 'is reserved'] as const,
];

describe('a handler', () => {
  test.each(refusals)('of %s cannot be %s', async (owner, subject, problem) => {
    const { status, text } = await define(owner, 'x', { handler: { kind: 'subject', subject } });
    expect([status, text]).toEqual([400, expect.stringContaining(problem)]);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ pointer: '/handler/subject' }] });
  });

  test.each([
    ['the own project', 'images.thumbs'],
    ['another project', `fn.${STRANGER.project}.thumbs`],
  ] as const)('of %s may be %s, and answers', async (owner, subject) => {
    tap.nats.subscribe(subject, { max: 1, callback: (_, message) => void message.respond('"done"') });
    await tap.nats.flush();
    expect((await define(owner, 'thumbs', { handler: { kind: 'subject', subject } })).status).toBe(200);
    const reply = await sequent.call('POST', '/api/functions/thumbs/invocations', {
      body: {},
      headers: { ...headersOf(owner), prefer: 'wait=10' },
    });
    expect(await reply.text()).toContain('done');
  });
});

describe('a destination', () => {
  const all = [
    ...refusals,
    ...ofTheServer.flatMap((subject) => [
      ['the own project', subject, 'is reserved'] as const,
      ['another project', subject, 'is reserved'] as const,
    ]),
  ];
  test.each(all)('NATS of %s cannot be %s', async (owner, subject, problem) => {
    const onSuccess = [{ destination: 'NATS', param: { subject } }];
    const { status, text } = await define(owner, 'delivered', { handler: process, policy: { onSuccess } });
    expect([status, text]).toEqual([400, expect.stringContaining(problem)]);
    expect(JSON.parse(text)).toMatchObject({ errors: [{ pointer: '/policy/onSuccess/0' }] });
  });

  test.each([...reserved, ...ofTheServer].filter((subject) => subject.includes('.')))('DIS cannot be %s', async (stream_name) => {
    for (const owner of ['the own project', 'another project'] as const) {
      const onSuccess = [{ destination: 'DIS', param: { stream_name } }];
      expect(await define(owner, 'delivered', { handler: process, policy: { onSuccess } })).toMatchObject({
        status: 400,
        text: expect.stringContaining('param.stream_name must be'),
      });
    }
  });

  test('DIS of another project leads to a stream of that project alone', async () => {
    const onSuccess = [{ destination: 'DIS', param: { stream_name: 'records' } }];
    expect((await define('another project', 'recorded', { handler: process, policy: { onSuccess } })).status).toBe(200);
    await sequent.call('POST', '/api/functions/recorded/invocations', { body: { name: 'x' }, headers: headersOf('another project') });
    await eventually(async () => heard.some(({ subject }) => subject.startsWith('dis.')));
    expect(heard.filter(({ subject }) => subject.startsWith('dis.')).map(({ subject }) => subject)).toEqual([
      `dis.${STRANGER.project}=records`,
    ]);
  });
});

/** Writes an entry without the registry, as an earlier Sequent may have written it. */
async function write(name: string, definition: object): Promise<void> {
  const functions = await openKeyValue(tap, FUNCTIONS_BUCKET);
  const parsed = functionDefinitionSchema.parse({ name, ...definition });
  await functions.put(name, encodeEntry({ definition: parsed, versions: [], aliases: [] }));
}

async function outcomeOf(owner: Owner, name: string, event: object): Promise<{ text: string; id: string }> {
  let text = '';
  let id = '';
  // The gateway follows the registry.
  await eventually(async () => {
    const reply = await sequent.call('POST', `/api/functions/${name}/invocations`, { body: event, headers: headersOf(owner) });
    if (reply.status === 202) id = ((await reply.json()) as { request_id: string }).request_id;
    return reply.status === 202;
  });
  await eventually(async () => {
    text = await (await sequent.call('GET', `/api/invocations/${id}/events`, { headers: headersOf(owner) })).text();
    return text.includes('notified');
  });
  return { text, id };
}

describe('an entry that was written without the registry', () => {
  const canary = 'bytes-of-another-project';

  test.each([
    ['another project', 'erase.x1'],
    ['another project', 'history.list'],
    ['another project', 'images.thumbs'],
    ['the own project', 'erase.x1'],
  ] as const)('makes %s send nothing to %s: the attempt fails, and says why', async (owner, subject) => {
    const name = `raw-${subject.replace('.', '-')}`;
    const token = owner === 'the own project' ? name : `${STRANGER.project}=${name}`;
    await write(token, { handler: { kind: 'subject', subject }, policy: { maxRetries: 0 } });
    const { text } = await outcomeOf(owner, name, { canary });
    expect(text).toContain('HandlerNotAllowed');
    expect(text).toContain(`handler.subject`);
    expect(heard.filter((message) => message.subject === subject && message.text.includes(canary))).toEqual([]);
  });

  test('makes no NATS destination send anything: the delivery is dead, with a reason', async () => {
    const subject = 'invoke.ours';
    const onSuccess = [{ destination: 'NATS', param: { subject } }];
    await write(`${STRANGER.project}=raw-delivered`, { handler: process, policy: { maxRetries: 0, onSuccess } });
    const { text } = await outcomeOf('another project', 'raw-delivered', { name: canary });
    expect(text).toContain('delivery.dead');
    expect(text).toContain('is reserved for Sequent or the NATS server (rule U1)');
    expect(heard.filter((message) => message.subject === subject && message.text.includes(canary))).toEqual([]);
  });

  test('runs no file of the worker for another project', async () => {
    const file = new URL('../../../../src/examples/functions/hello.mjs', import.meta.url).pathname;
    expect(await define('another project', 'file', { handler: { kind: 'process', file } })).toMatchObject({
      status: 400,
      text: expect.stringContaining(`upload a package, or ask the operator for --files ${STRANGER.project}=<folder>`),
    });
    await write(`${STRANGER.project}=raw-file`, { handler: { kind: 'process', file }, policy: { maxRetries: 0 } });
    expect((await outcomeOf('another project', 'raw-file', {})).text).toContain('HandlerNotAllowed');
  });
});

test('every subject that Sequent published to is reserved, or chosen by a user', async () => {
  await outcomeOf('the own project', 'ours', { name: 'x' });
  expect((await sequent.call('GET', '/api/invocations')).status).toBe(200);
  const chosen = new Set(['images.thumbs', `fn.${STRANGER.project}.thumbs`]);
  const kinds = new Set(heard.map(({ subject }) => subject.split('.', 1)[0]));
  expect([...kinds]).toEqual(expect.arrayContaining(['invoke', 'invocation', 'result', 'history', 'destinations', 'scheduler', 'dis']));
  expect(heard.filter(({ subject }) => !isReserved(subject) && !chosen.has(subject))).toEqual([]);
});

test('every subject that Sequent subscribes to is reserved', async () => {
  const found = (await (await fetch(`${sequent.server.monitorUrl}/connz?subs=detail`)).json()) as {
    connections: { name?: string; subscriptions_list_detail?: { subject: string }[] }[];
  };
  const subscribed = found.connections.flatMap(({ subscriptions_list_detail = [] }) =>
    subscriptions_list_detail.map(({ subject }) => subject),
  );
  expect(subscribed).toEqual(expect.arrayContaining(['destinations.check', 'scheduler.find']));
  expect(subscribed.filter((subject) => !isReserved(subject) && subject !== '>')).toEqual([]);
});
