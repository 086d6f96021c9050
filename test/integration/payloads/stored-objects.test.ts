import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, vi } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { type ErasureRecord, erasureKey, parseErasureRecord } from '#src/core/log/erasure-request.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { createLargePayloads } from '#src/core/payloads/large-payloads.ts';
import { isReference } from '#src/core/payloads/payload-reference.ts';
import { payloadSweepOf } from '#src/main/roles/payload-sweep.ts';
import { INVOCATIONS, PAYLOADS_STREAM } from '#src/nats/wire/topology.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import { sweepPayloads } from '#src/scheduler/sweep-payloads.ts';
import { filesWith } from '#test/support/archive/files-with.ts';
import { openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { bundledScript } from '#test/support/cli/processes/bundled-script.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { eventOf } from '#test/support/payloads/large-event.ts';
import { newId, startScheduler, storedIds, sweep, WAITING } from '#test/support/payloads/payload-store-tests.ts';

const MB = 1_024 ** 2;
const definition = { maxPayloadBytes: 16 * MB, policy: { maxRetries: 0, maxAgeInSeconds: 600 }, handler: { kind: 'inline' as const } };

describe('an object', () => {
  test('is reached by no reference of another project, function or invocation', async ({ nats }) => {
    const large = createLargePayloads({ store: nats.ports.payloadStore });
    const owner = { function: 'a=import', invocation: newId() };
    const reference = await large.store(owner, eventOf(MB));
    expect(isReference(reference)).toBe(true);
    expect(await large.fetch(owner, reference)).toBe(eventOf(MB));
    const others = [
      { ...owner, function: 'b=import' },
      { ...owner, function: 'import' },
      { ...owner, invocation: newId() },
    ];
    const unknown = reference.replace(/[\w-]{43}$/, 'A'.repeat(43));
    for (const other of others) {
      const refused = await large.fetch(other, reference).catch((error: Error) => error.message);
      // The answer is the same for a content that nobody stored.
      expect(refused).toBe(await large.fetch(other, unknown).catch((error: Error) => error.message));
      expect(refused).toContain('its object is missing');
    }
  });

  test('stays while the log has its invocation or the grace lasts, and goes with all its parts after it', async ({ nats }) => {
    const { payloadStore, payloadRemoval } = nats.ports;
    const before = await storedIds(nats);
    const [kept, orphan] = [newId(), newId()];
    for (const invocation of [kept, orphan]) await payloadStore.put({ function: 'import', invocation }, randomBytes(600_000));
    expect(await sweep(nats, [...before, kept], 3_600_000)).toBe(0);
    expect(await sweep(nats, [...before, kept])).toBeGreaterThan(0);
    expect(await storedIds(nats)).toEqual([...before, kept].sort());
    expect(await payloadRemoval.looseParts()).toEqual([]);
    const subjects = (await nats.connection.manager.streams.info(PAYLOADS_STREAM, { subjects_filter: '$O.SEQUENT_PAYLOADS.>' })).state
      .subjects;
    expect(Object.keys(subjects ?? {})).toHaveLength(2 * (before.length + 1));
  });

  test('stays while its invocation waits or is finished, and goes once retention purged the log', async ({ server, nats }) => {
    await using client = await connectClient({ servers: server.url });
    await using _scheduler = await startScheduler(server.url);
    const { log, openRequests } = nats.ports;
    const open = new OpenStreams({ patienceInMs: 60_000, unknownGraceInMs: 60_000, maxAgeOf: () => 3_600_000 });
    const stop = new AbortController();
    const following = log.follow(1, open.fold, stop.signal);
    await client.functions.put({ ...definition, name: 'import' });
    const [waiting, finished] = [newId(), newId()];
    await client.invokeText('import', eventOf(MB), { id: waiting, delay: '1h' });
    await client.invokeText('import', eventOf(MB), { id: finished });
    await vi.waitFor(async () => expect(await openRequests.find(finished as string as StreamId)).toHaveLength(1), WAITING);
    await client.cancel(finished, { function: 'import' });
    const parts = payloadSweepOf({ connection: nats.connection, ports: nats.ports, open, signal: stop.signal });
    const run = () => sweepPayloads({ ...parts, clock: { ...parts.clock, now: () => parts.clock.now() + 3_700_000 } });
    const stateOf = async () => (await client.timeline(finished, { function: 'import' })).state;
    await vi.waitFor(async () => expect(await stateOf()).toBe('notified'), WAITING);
    // A follower that has not read the request does not know the invocation either.
    const last = await log.lastSequence();
    await vi.waitFor(() => expect(open.next).toBeGreaterThan(last), WAITING);
    expect(open.find({ function: 'import' as FunctionName, stream: finished as string as StreamId })).toBeUndefined();
    await run();
    const stored = await storedIds(nats);
    expect(stored).toEqual(expect.arrayContaining([finished, waiting]));
    await nats.connection.manager.streams.purge(INVOCATIONS, { filter: `invocation.import.${finished}` });
    expect(await run()).toBe(1);
    expect(await storedIds(nats)).toEqual(stored.filter((id) => id !== finished));
    stop.abort();
    await following;
  });

  test.for(['in the upload', 'before the request'])(
    'of a client that was killed %s is no invocation, and is swept',
    async (point, { server, nats }) => {
      const before = [await nats.ports.log.lastSequence(), await storedIds(nats)] as const;
      const id = newId();
      const script = fileURLToPath(new URL('../../support/payloads/dying-client.ts', import.meta.url));
      const child = spawn(process.execPath, [...(await bundledScript(script)), server.url, point, id], { stdio: 'inherit' });
      expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
      expect(await nats.ports.log.lastSequence()).toBe(before[0]);
      expect(await storedIds(nats)).toEqual([...before[1], ...(point === 'in the upload' ? [] : [id])].sort());
      expect(await sweep(nats, before[1])).toBe(1);
      expect(await storedIds(nats)).toEqual(before[1]);
      expect(await nats.ports.payloadRemoval.looseParts()).toEqual([]);
    },
  );

  test('is overwritten by an erasure of its invocation, before the erasure is done', async ({ server, nats, folder }) => {
    await using _scheduler = await startScheduler(server.url);
    await using client = await connectClient({ servers: server.url });
    await client.functions.put({ ...definition, name: 'erased' });
    const secret = `qzxw${randomBytes(8).toString('hex')}`;
    const invoked = await client.invokeText('erased', eventOf(MB, secret));
    expect(await filesWith(secret, server.dataDir)).not.toEqual([]);
    await client.cancel(invoked.requestId, { function: 'erased' });
    const stateOf = async () => (await client.timeline(invoked.requestId, { function: 'erased' })).state;
    await vi.waitFor(async () => expect(await stateOf()).toBe('notified'), WAITING);
    await using opened = await openJanitorOn(server.url, folder);
    const key = erasureKey(randomBytes(6).toString('hex'));
    const request = { function: 'erased', before: Date.now() + 60_000, by: 'a test', at: Date.now(), isTrial: false };
    await nats.ports.state.put(key, JSON.stringify({ state: 'asked', request } satisfies ErasureRecord));
    await vi.waitFor(async () => {
      await opened.janitor.work();
      expect(parseErasureRecord((await nats.ports.state.get(key))?.value)?.state).toBe('done');
    }, WAITING);
    expect(await storedIds(nats)).not.toContain(invoked.requestId);
    await vi.waitFor(async () => expect(await filesWith(secret, server.dataDir)).toEqual([]), WAITING);
  });
});
