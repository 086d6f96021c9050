import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFolderStore } from '#src/archive/stores/folder-store.ts';
import { openArchiveStore } from '#src/archive/stores/open-store.ts';
import { parseS3Location } from '#src/archive/stores/s3-location.ts';
import { createS3Store } from '#src/archive/stores/s3-store.ts';
import { verifyLog } from '#src/cli/history/verify-log.ts';
import { describeArchiveStore } from '#test/contract/archive-store.ts';
import { openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { startMoto } from '#test/support/destinations/moto.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';
import { openSigningStore } from '#test/support/destinations/signing-store.ts';
import { freePort } from '#test/support/free-port.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI-EXAMPLEKEY' };
const keys = { ...credentials, region: 'eu-west-0' };
const storeAt = (endpoint: string, { bucket = 'known', secretAccessKey = credentials.secretAccessKey } = {}) =>
  createS3Store(parseS3Location(`s3://${bucket}/a%20place?endpoint=${encodeURIComponent(endpoint)}&region=${keys.region}`), {
    ...credentials,
    secretAccessKey,
  });

describeArchiveStore('in a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-store-'));
  return { store: createFolderStore(folder), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
});

describeArchiveStore('in a bucket', async () => {
  const moto = await startMoto();
  await moto.createBucket('known');
  // moto checks the condition of a put and stores the object in two steps, between which another put may come.
  const deciding = await openSigningStore({ keys });
  return {
    store: storeAt(moto.url),
    racing: storeAt(deciding.url),
    async [Symbol.asyncDispose]() {
      await deciding[Symbol.asyncDispose]();
      await moto[Symbol.asyncDispose]();
    },
  };
});

describe('a store in a bucket', () => {
  test('signs every request so that a store that verifies the signature accepts it', async () => {
    await using bucket = await openSigningStore({ keys });
    const store = storeAt(bucket.url);
    const content = Buffer.from([0, 255, 10, 128]);
    expect(await store.create('log-1/0001.seg', content)).toBe(true);
    expect(await store.create('log-1/0001.seg', Buffer.from('other'))).toBe(false);
    expect(await store.get('log-1/0001.seg')).toEqual(content);
    expect(await store.head('log-1/0001.seg', 2)).toEqual(content.subarray(0, 2));
    expect(await store.list('log-1/')).toEqual(['log-1/0001.seg']);
    expect(bucket.received.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET', 'GET', 'GET', 'GET']);
  });

  test('names the refused action in the error, and no secret', async () => {
    await using bucket = await openSigningStore({ keys });
    const wrong = storeAt(bucket.url, { secretAccessKey: 'another' });
    await expect(wrong.get('log-1/0001.seg')).rejects.toThrow(
      new RegExp(`^reading log-1/0001.seg in the bucket known of ${bucket.url} was refused: 403 SignatureDoesNotMatch$`),
    );
    await expect(storeAt(bucket.url, { bucket: 'unknown' }).create('log-1/0001.seg', Buffer.from('x'))).rejects.toThrow('was refused: 404');
  });

  test.for(['ignored', 'refused'] as const)('keeps existing content where the condition of a put is %s', async (condition) => {
    await using bucket = await openSigningStore({ keys, condition });
    const store = storeAt(bucket.url);
    expect(await store.create('log-1/0001.seg', Buffer.from('one'))).toBe(true);
    expect(await store.create('log-1/0001.seg', Buffer.from('two'))).toBe(false);
    expect((await store.get('log-1/0001.seg'))?.toString()).toBe('one');
  });

  test('retries transient failures, and gives up after five tries', async () => {
    await using flaky = await openReceiver(answer(503), answer(500), answer(200, {}, 'here'));
    expect((await storeAt(flaky.url).get('log-1/0001.seg'))?.toString()).toBe('here');
    await using down = await openReceiver(answer(503));
    await expect(storeAt(down.url).get('log-1/0001.seg')).rejects.toThrow('was refused: 503');
    expect(down.received).toHaveLength(5);
    const port = await freePort();
    await expect(storeAt(`http://127.0.0.1:${port}`).get('log-1/0001.seg')).rejects.toThrow('does not answer');
  });

  test('is refused without credentials, or with an invalid location', () => {
    expect(() => openArchiveStore('s3://known', { env: {} })).toThrow('needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
    for (const location of ['s3:', 's3://', 's3://UPPER_case', 's3://known?endpoint=ftp://x'])
      expect(() => parseS3Location(location)).toThrow();
  });
});

describe('a log whose archive is a bucket', () => {
  test('is purged, and verify reads and proves all of it', async () => {
    await using server = await startTestServer();
    await using moto = await startMoto();
    await moto.createBucket('known');
    const wrap = () => storeAt(moto.url);
    await using opened = await openJanitorOn(server.url, '/nonexistent', { wrap, retention: { maxInvocations: 100 } });
    await writeLog(opened.nats.connection, 1_000);
    await opened.janitor.work();
    const { first, created: log } = await opened.log.state();
    expect(first).toBeGreaterThan(1_000);
    const listing = await (await moto.get('/known?list-type=2')).text();
    expect(listing).toMatch(/<Key>a place\/[\w-]+\/0000000000000001\.seg<\/Key>/);
    const { balance, findings } = await verifyLog({ archive: opened.archive, source: opened.log, log, head: await opened.head() });
    expect(findings).toEqual([]);
    expect(balance).toMatchObject({ accepted: 1_000, settled: 1_000 });
  });
});
