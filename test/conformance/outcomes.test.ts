import { afterAll, beforeAll, describe, test } from 'vitest';
import { otherLimit, type Reply, refusalOf } from '#test/support/conformance/sdk.ts';
import { recordsOfStream } from '#test/support/conformance/stream.ts';
import { type System, startSystem } from '#test/support/conformance/system.ts';
import { until } from '#test/support/conformance/until.ts';
import { openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { openSigningStore, type Store } from '#test/support/destinations/signing-store.ts';

/* Rows 22 to 30: the outcomes of invocations, and their destinations. Envelopes have the observed shape of the service. */

const keys = { accessKeyId: 'OBSKEY', secretAccessKey: 'the secret key of the bucket', region: 'us-east-1' };
const topic = 'urn:smn:local:project:outcomes';

let system: System;
let store: Store;
let webhook: Receiver;

beforeAll(async () => {
  store = await openSigningStore({ keys });
  webhook = await openReceiver();
  const secret = `whsec_${Buffer.from('the secret of the receiver').toString('base64')}`;
  const subscriptions = [{ protocol: 'http', endpoint: `${webhook.url}/hook`, secret: { env: 'WEBHOOK_SECRET' } }];
  system = await startSystem({
    connections: {
      obs: {
        kind: 'obs',
        endpoint: store.url,
        region: keys.region,
        accessKeyId: keys.accessKeyId,
        secretAccessKey: { env: 'OBS_SECRET' },
        allowPrivate: true,
      },
      smn: { kind: 'smn', topics: { [topic]: { subscriptions } }, allowPrivate: true },
    },
    env: { SEQUENT_ENVELOPE: 'observed', OBS_SECRET: keys.secretAccessKey, WEBHOOK_SECRET: secret },
  });
  await Promise.all([system.deploy('succeeded'), system.deploy('failed')]);
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await webhook[Symbol.asyncDispose]();
});

const telling = (name: string) => ({ destination: 'FunctionGraph', param: JSON.stringify({ func_urn: name }) });
const both = { on_success: telling('succeeded'), on_failure: telling('failed') };
const invoke = async (urn: string, body: object): Promise<string> =>
  (await system.sdk.asyncInvokeFunction({ function_urn: urn, body })).request_id;
const over = ({ status }: Reply): boolean => !['WAIT', 'RUNNING'].includes(status);

/** The envelopes of an invocation that the targets received, after at least one arrived. */
async function envelopesOf(id: string): Promise<{ name: string; envelope: Reply }[]> {
  const find = () =>
    [...system.effects('succeeded'), ...system.effects('failed')]
      .filter(({ event }) => event.request_context?.request_id === id)
      .map(({ function: name, event: envelope }) => ({ name, envelope }));
  await until(`an envelope of ${id} arrives`, () => find().length > 0 || undefined);
  return find();
}

/** Waits until the invocation is settled: an envelope that has not arrived by then never arrives. */
async function whenSettled(id: string): Promise<void> {
  await until('it is notified', async () => {
    const found = (await (await system.raw('GET', `/api/invocations/${id}`)).json()) as { state: string };
    return found.state === 'notified' || undefined;
  });
}

const runs = (name: string, id: string): number => system.effects(name).filter(({ request }) => request === id).length;

describe('an outcome', () => {
  test.concurrent('row 22: of success is delivered to on_success, once, and to no other destination', async ({ expect }) => {
    const urn = await system.deploy('succeeds', { config: { destination_config: both, max_async_retry_attempts: 3 } });
    const id = await invoke(urn, {});
    await whenSettled(id);
    expect((await envelopesOf(id)).map(({ name }) => name)).toEqual(['succeeded']);
  });

  test.concurrent('rows 22 and 23: of failure is delivered once, after the last of 1 + retries attempts of one id', async ({ expect }) => {
    const urn = await system.deploy('fails', { config: { destination_config: both, max_async_retry_attempts: 2 } });
    const id = await invoke(urn, { throws: 'always' });
    await whenSettled(id);
    const found = await envelopesOf(id);
    expect(found.map(({ name }) => name)).toEqual(['failed']);
    expect(runs('fails', id)).toBe(3);
    expect(await system.record(urn, id, over)).toMatchObject({ status: 'FAIL', error_code: 4002 });
  });

  test.concurrent('row 23: without retries follows exactly one attempt', async ({ expect }) => {
    const urn = await system.deploy('fails-once', { config: { destination_config: both, max_async_retry_attempts: 0 } });
    const unconfigured = await system.deploy('fails-unconfigured');
    const [id, other] = await Promise.all([invoke(urn, { throws: 'once' }), invoke(unconfigured, { throws: 'once' })]);
    await whenSettled(id);
    await whenSettled(other);
    expect([runs('fails-once', id), runs('fails-unconfigured', other)]).toEqual([1, 1]);
  });

  test.concurrent('row 24: of a second attempt is a usual success, and its count shows the retry', async ({ expect }) => {
    const urn = await system.deploy('recovers', { config: { destination_config: both, max_async_retry_attempts: 1 } });
    const id = await invoke(urn, { fails: 1 });
    await whenSettled(id);
    const found = await envelopesOf(id);
    expect(found.map(({ name, envelope }) => [name, envelope.request_context.approximate_invoke_count])).toEqual([['succeeded', 1]]);
    expect(runs('recovers', id)).toBe(2);
  });

  test.concurrent('row 25: of an event that expired in the queue is DISCARD, a failure, and without a run', async ({ expect }) => {
    const urn = await system.deploy('ages', { config: { destination_config: both, max_async_event_age_in_seconds: 1 } });
    await system.sdk.updateFunctionMaxInstanceConfig({ function_urn: urn, body: { max_instance_num: 1 } });
    // An event that starts after a second is discarded. The next event may start in time.
    const first = await until('an event starts in time', async () => {
      const id = await invoke(urn, { gate: 'row 25' });
      const { status } = await system.record(urn, id, (record) => record.status !== 'WAIT');
      return status === 'RUNNING' ? id : undefined;
    });
    const late = await invoke(urn, {});
    expect(await system.record(urn, late, over)).toMatchObject({ status: 'DISCARD', error_message: expect.stringContaining('1 s') });
    system.openGate('row 25');
    const envelopes = await envelopesOf(late);
    expect(envelopes.map(({ name, envelope }) => [name, envelope.request_context.condition])).toEqual([['failed', 'EventAgeExceeded']]);
    // The maximum age does not abort a running attempt.
    expect(await system.record(urn, first, over)).toMatchObject({ status: 'SUCCESS' });
    expect(runs('ages', late)).toBe(0);
  });

  test.concurrent('row 26: is delivered with exactly the documented keys, payloads as text, and the unchanged event', async ({
    expect,
  }) => {
    const urn = await system.deploy('speaks', { config: { destination_config: both } });
    const event = '{ "returns" : { "b": 1, "a": [ "ü", 2.50 ] } }';
    const reply = await system.raw('POST', `/v2/0123456789abcdef0123456789abcdef/fgs/functions/${urn}/invocations-async`, { body: event });
    const { request_id: id } = (await reply.json()) as { request_id: string };
    const [{ envelope } = { envelope: undefined }] = await envelopesOf(id);
    expect(envelope).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      request_context: { request_id: id, function_urn: urn, condition: '', approximate_invoke_count: 0 },
      request_payload: event,
      response_context: { status_code: 200, function_error: '' },
      response_payload: '{"b":1,"a":["ü",2.5]}',
    });
  });

  test.concurrent('row 27: of a thrown error has its type, message and stack as JSON', async ({ expect }) => {
    const urn = await system.deploy('throws', { config: { destination_config: both, max_async_retry_attempts: 0 } });
    const [{ envelope } = { envelope: undefined }] = await envelopesOf(await invoke(urn, { throws: 'no stock' }));
    expect(envelope).toMatchObject({ request_context: { condition: 'UnhandledInvocationError' }, response_context: { status_code: 500 } });
    expect(JSON.parse(envelope.response_payload)).toEqual({
      errorMessage: expect.stringMatching(/^function invocation exception, error: .*no stock/),
      errorType: 'RangeError',
      stackTrace: expect.arrayContaining([expect.stringContaining('index.js')]),
    });
  });

  test.concurrent('row 28: with a value of more than 256 KB is a success with an empty value', async ({ expect }) => {
    const urn = await system.deploy('verbose', { config: { destination_config: both } });
    // A string of 262,142 characters has 262,144 bytes as JSON.
    const [small, large] = [await invoke(urn, { bytes: 262_144 - 2 - 4_096 }), await invoke(urn, { bytes: 262_145 })];
    expect(await system.record(urn, large, over)).toMatchObject({ status: 'SUCCESS', error_code: 0 });
    const [{ envelope } = { envelope: undefined }] = await envelopesOf(large);
    expect(envelope.response_payload).toBe('');
    const [{ envelope: whole } = { envelope: undefined }] = await envelopesOf(small);
    expect(whole.response_payload).toHaveLength(262_144 - 2 - 4_096);
  });
});

describe('a destination', () => {
  test.concurrent('row 29: that is a function runs as an invocation of its own, whose failure changes no earlier one', async ({
    expect,
  }) => {
    const target = await system.deploy('unlucky', { code: HANDLER_THAT_FAILS });
    const urn = await system.deploy('lucky', { config: { destination_config: { on_success: telling('unlucky') } } });
    const id = await invoke(urn, {});
    expect(await system.record(urn, id, over)).toMatchObject({ status: 'SUCCESS' });
    const child = await until('the target ran', async () => {
      const { invocations } = await system.sdk.listAsyncInvocations({ function_urn: target, limit: otherLimit() });
      return invocations.find(over);
    });
    expect(child).toMatchObject({ status: 'FAIL', error_code: 4002 });
    expect(child.request_id).not.toBe(id);
    await whenSettled(id);
    expect(await system.record(urn, id)).toMatchObject({ status: 'SUCCESS', error_code: 0 });
  });

  test.concurrent('rows 22 and 26: may be a bucket of OBS, a topic of SMN or a stream of DIS', async ({ expect }) => {
    const destinations = {
      obs: { destination: 'OBS', param: '{"bucket":"known","prefix":"outcomes/","expires":0}' },
      smn: { destination: 'SMN', param: JSON.stringify({ topic_urn: topic }) },
      dis: { destination: 'DIS', param: '{"stream_name":"outcomes"}' },
    };
    const ids = new Map<string, string>();
    for (const [name, destination] of Object.entries(destinations)) {
      const urn = await system.deploy(`delivers-${name}`, {
        config: { destination_config: { on_success: destination, on_failure: destination } },
      });
      ids.set(name, await invoke(urn, {}));
    }
    for (const id of ids.values()) await whenSettled(id);
    const [path, object] = [...store.objects].find(([name]) => name.includes(ids.get('obs') ?? '')) ?? [];
    expect(path).toMatch(new RegExp(`^/known/outcomes/delivers-obs/\\d{4}-\\d\\d-\\d\\d/${ids.get('obs')}\\.json$`));
    const sent = webhook.received.filter(({ body }) => body.includes(ids.get('smn') ?? ''));
    const records = await recordsOfStream(system.nats, 'outcomes');
    const bodies = [object?.body, ...sent.map(({ body }) => body), ...records.filter((text) => text.includes(ids.get('dis') ?? ''))];
    expect(bodies.map((body) => JSON.parse(body ?? '{}').request_context?.request_id)).toEqual([...ids.values()]);
  });

  test.concurrent('row 30: that would close a loop is refused, with the path of the loop', async ({ expect }) => {
    const [one, two] = await Promise.all([system.deploy('loop1'), system.deploy('loop2')]);
    const put = (urn: string, target: string) =>
      system.sdk.updateFunctionAsyncInvokeConfig({ function_urn: urn, body: { destination_config: { on_success: telling(target) } } });
    await put(one, two);
    const refused = await refusalOf(put(two, one));
    expect(refused).toMatchObject({ httpStatusCode: 400, errorMsg: expect.stringContaining('loop2 → loop1 → loop2') });
    expect(await refusalOf(put(one, one))).toMatchObject({ httpStatusCode: 400 });
    const id = await invoke(one, {});
    expect(await system.record(one, id, over)).toMatchObject({ status: 'SUCCESS' });
  });
});

const HANDLER_THAT_FAILS = "exports.handler = async () => { throw new Error('unlucky'); };";
