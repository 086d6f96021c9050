import { describe, expect } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { idAt } from '#src/core/names/ids.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { createNatsResults } from '#src/nats/streams/results/results.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { readLastBySubject } from '#src/nats/wire/stored-messages.ts';
import { gatewayStreams, RESULTS } from '#src/nats/wire/topology.ts';
import { test as base } from '#test/support/fixtures.ts';
import { accept, append, newStream } from '#test/support/log/opened-log.ts';
import { startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { startRole } from '#test/support/nats/guarded-system.ts';
import { openNats, topology } from '#test/support/nats/opened-nats.ts';

/** The roles that publish results. */
const roles = ['worker', 'scheduler', 'destinations'] as const;
type PublishingRole = (typeof roles)[number];

const failure = { kind: 'platform', errorType: 'InvocationCanceled', message: 'it was cancelled', code: 4_208 } as const;
const destinations = [{ id: 'nats-0', destination: 'NATS', param: '{"subject":"fn.heard","stored":false}' }];

const test = base
  .extend('missing', [] as string[])
  .extend('guarded', async ({ task: _ }, { onCleanup }) => {
    const printed = roles.map((role) => userOfRole(role));
    const guarded = await startGuardedServer({ admin: {} }, printed);
    onCleanup(() => guarded[Symbol.asyncDispose]());
    return guarded;
  })
  .extend('admin', async ({ guarded }, { onCleanup }) => {
    const admin = await openNats(guarded.as('admin'));
    await admin.ports.streams.add(...gatewayStreams({ ...topology, maxAgeInMs: undefined }));
    onCleanup(() => admin[Symbol.asyncDispose]());
    return admin;
  })
  .extend('openAs', async ({ guarded, missing, admin: _ }, { onCleanup }) => {
    const opened: Connection[] = [];
    onCleanup(async () => {
      for (const connection of opened) await connection.close();
    });
    return async (role: PublishingRole): Promise<Connection> => {
      const connection = await openConnection({ ...guarded.as(`sequent_${role}`), role });
      connection.refusals.onMissingPermission((message) => void missing.push(message));
      opened.push(connection);
      return connection;
    };
  });

describe('the printed permissions', () => {
  test.for(roles)('of a %s suffice to store a result, and to find a stored one', async (role, { openAs, missing }) => {
    const connection = await openAs(role);
    const publisher = createPublisher(connection);
    const results = createNatsResults({ connection, publisher, clock: systemClock });
    const name = newStream(`results-of-${role}`);
    const [stored, other] = [idAt(name.stream, 0), idAt(name.stream, 1)];
    await results.publish(name, stored, 'failed', '{}');
    const outcome = { type: 'failed', at: Date.now(), envelope: '{}' } as const;
    expect(await results.isStored(name, stored, outcome)).toBe(true);
    expect(await results.isStored(name, other, outcome)).toBe(false);
    publisher.close();
    expect(missing).toEqual([]);
  });

  test('let the destinations role store the result of a cancelled invocation, and deliver its failure (PUB4)', async ({
    guarded,
    admin: { connection, ports },
    openAs,
    missing,
    folder,
  }) => {
    const heard: string[] = [];
    connection.nats.subscribe('fn.heard', { callback: (_, message) => void heard.push(message.subject) });
    const name = newStream('late');
    const request = await accept(ports.log, name);
    const outcome = { attempt: 0, condition: 'InvocationCanceled', failure, destinations } as const;
    const canceled: Fact = { type: 'failed', invocation: name.stream, at: Date.now(), ...outcome };
    const stored = await ports.log.append(name, append([canceled], { request }), {});
    // The canceller died before a worker stored the result. The scheduler hints at the delivery.
    ports.hints.deliver(name, request, `${name.stream}.${stored?.version}.recovered`);

    const running = await startRole('destinations', {
      connection: await openAs('destinations'),
      address: guarded.as('sequent_destinations'),
      folder,
      missing,
    });
    const facts = async () => (await ports.log.read(name, NO_APPENDS)).flatMap((one) => one.facts.map(({ type }) => type));
    await expect.poll(facts, { timeout: 20_000 }).toContain('notified');
    await running.stop(0);
    const result = await readLastBySubject(connection, subjects.result(name.function, 'failed'), { stream: RESULTS });
    expect({ heard, result: result?.headers?.get('Request-Id'), missing }).toEqual({
      heard: ['fn.heard'],
      result: name.stream,
      missing: [],
    });
  });
});
