import { AckPolicy, headers } from 'nats';
import { describe, expect } from 'vitest';
import type { EventLog } from '#src/core/log/event-log.ts';
import { derivedId, keyedId } from '#src/core/names/ids.ts';
import { openCursor } from '#src/nats/streams/cursors.ts';
import { openConnection } from '#src/nats/transport/connection.ts';
import { INVOCATIONS, invocationsStream } from '#src/nats/wire/topology.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats, topology } from '#test/support/nats/opened-nats.ts';

/* The log of an earlier version, which published derived requests on the subjects of clients. */

const child = keyedId('parent/onSuccess');
const origin = { Lineage: 'root/parent/1/10', 'Redrive-Of': 'parent' };

let server: TestServer;
let opened: OpenedNats;
let log: EventLog;
let former: number;

test.beforeAll(async ({ server: own }) => {
  server = own;
  const connection = await openConnection({ servers: server.url });
  const { subjects = [], ...config } = invocationsStream(topology);
  await connection.manager.streams.add({ ...config, subjects: subjects.filter((subject) => subject !== 'derived.*') });
  former = await publish(connection, child);
  await connection.close();
  opened = await openNats(server.url);
  ({ log } = opened.ports);
});
test.afterAll(async () => {
  await opened[Symbol.asyncDispose]();
});

async function publish({ nats }: Pick<OpenedNats['connection'], 'nats'>, id: string): Promise<number> {
  const sent = headers();
  for (const [name, value] of Object.entries({ 'Request-Id': id, ...origin })) sent.set(name, value);
  return (await nats.jetstream().publish('invoke.echo', '{}', { headers: sent })).seq;
}

async function factAt(reader: EventLog, sequence: number) {
  return (await reader.readRequest(sequence))?.requests[0]?.fact;
}

describe('a log of an earlier version', () => {
  test('keeps the id, the parent and the redrive of its requests (OWN1)', async () => {
    const expected = { invocation: child, lineage: { root: 'root', parent: 'parent', hop: 1, budget: 10 }, redriveOf: 'parent' };
    expect(await factAt(log, former)).toMatchObject(expected);
    await using later = await openNats(server.url);
    expect(await factAt(later.ports.log, former)).toMatchObject(expected);
  });

  test('believes none of them in a request of a client that comes after the upgrade', async () => {
    const forged = derivedId('parent/onSuccess');
    const sequence = await publish(opened.connection, forged);
    const fact = await factAt(log, sequence);
    expect(fact?.invocation).not.toBe(forged);
    expect({ lineage: fact?.lineage, redriveOf: fact?.redriveOf }).toEqual({ lineage: undefined, redriveOf: undefined });
  });

  test('has cursors of requests that follow derived requests too, once they are opened again', async () => {
    const { manager } = opened.connection;
    const metadata = { 'sequent-follows': 'requests' };
    const former = { durable_name: 'subscriber-old', filter_subject: 'invoke.>', ack_policy: AckPolicy.Explicit, metadata };
    await manager.consumers.add(INVOCATIONS, former);
    await openCursor(opened.connection, { durable: 'old', follows: 'requests', subject: undefined, from: 'now', ackWaitInMs: 1_000 });
    expect((await manager.consumers.info(INVOCATIONS, 'subscriber-old')).config.filter_subject ?? '').toBe('');
  });

  test('believes everything of a derived request', async () => {
    const derived = derivedId('parent/onSuccess');
    const { sequence } = await log.accept({ function: 'echo' as never, stream: derived as never }, [
      { id: derived, payload: '{}', lineage: { root: 'root', parent: 'parent', hop: 1, budget: 10 } },
    ]);
    expect(await factAt(log, sequence)).toMatchObject({ invocation: derived, lineage: { parent: 'parent', hop: 1 } });
    const stored = await opened.connection.manager.streams.getMessage(INVOCATIONS, { seq: sequence });
    expect(stored.subject).toBe('derived.echo');
  });
});
