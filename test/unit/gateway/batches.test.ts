import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { acceptLines } from '#src/gateway/api/batches/accept-lines.ts';
import { createHono } from '#src/gateway/http/router.ts';
import { scopeOf } from '#src/gateway/scope.ts';
import { local, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';

const LINES = 30_000;
const PER_PART = 100;
const LINE = `{"pad":"${'x'.repeat(200)}"}\n`;
/** The gateway may hold fewer lines than this: those in flight, those of the buffered reply, and the buffers of the body. */
const MAX_HELD = 10_000;

/** Posts a batch of lines. `taken` counts the lines that the gateway took from the body. */
async function postLines(opened: OpenedApp, path: string) {
  const counts = { taken: 0 };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (counts.taken === LINES) return controller.close();
      controller.enqueue(Buffer.from(LINE.repeat(PER_PART)));
      counts.taken += PER_PART;
    },
  });
  const init = { method: 'POST', body, duplex: 'half', headers: { 'idempotency-key': 'k' } } as RequestInit;
  return { counts, response: await opened.app.request(local(path), init) };
}

async function turns(count: number): Promise<void> {
  for (let made = 0; made < count; made++) await turn();
}

const lastLineOf = (text: string): unknown => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');

async function openWithFunction(options: Parameters<typeof openApp>[0] = {}): Promise<OpenedApp> {
  const opened = await openApp(options);
  await opened.registry.put({ name: 'orders', handler: { kind: 'inline' } });
  // The look-up of an earlier request in the log of these tests takes longer the more requests there are.
  opened.client.invokeOnce = (name, payload, { id }) => opened.client.invokeText(name, payload, { id });
  return opened;
}

describe('the memory of a batch over HTTP', { timeout: 60_000 }, () => {
  test('is bounded while the caller does not read the reply: the body waits', async () => {
    const opened = await openWithFunction();
    const { counts, response } = await postLines(opened, '/api/functions/orders/batches?ids');
    await vi.waitFor(() => expect(opened.sent.length).toBeGreaterThan(2_000), { timeout: 20_000, interval: 1 });
    await turns(2_000);
    expect(counts.taken).toBeLessThan(MAX_HELD);
    expect(lastLineOf(await response.text())).toMatchObject({ type: 'end', accepted: LINES, refused: 0 });
    expect(opened.sent).toHaveLength(LINES);
  });

  test('is bounded while the log does not answer: the body waits', async () => {
    let answer = (): void => {};
    const isAnswered = new Promise<void>((resolve) => (answer = resolve));
    const opened = await openWithFunction({ invokeText: () => isAnswered });
    const { counts, response } = await postLines(opened, '/api/functions/orders/batches');
    await vi.waitFor(() => expect(counts.taken).toBeGreaterThan(1_999), { timeout: 20_000, interval: 1 });
    await turns(2_000);
    expect(counts.taken).toBeLessThan(MAX_HELD);
    answer();
    expect(lastLineOf(await response.text())).toMatchObject({ type: 'end', accepted: LINES, refused: 0 });
  });
});

describe('the limits of a batch over HTTP', () => {
  /** Accepts a body with short limits. `onEnd` is counted. */
  async function acceptShortly(body: ReadableStream<Uint8Array>, inMs: { idleInMs: number; totalInMs: number }) {
    const opened = await openWithFunction();
    const ended = { count: 0 };
    const app = createHono();
    app.post('/', (call) => {
      call.set('body', new Uint8Array());
      const limits = { maxLines: 100_000, maxBytes: 1_000_000, inFlight: { maxItems: 1_000, maxBytes: 1_000_000 }, ...inMs };
      const options = { traceparent: undefined, qualifier: undefined };
      const named = { name: 'orders', key: undefined, id: 'import', request: 1 };
      const batch = { ...named, options, scope: scopeOf(call, opened.gateway), listsIds: true, limits };
      return acceptLines(opened.gateway, call, { ...batch, onEnd: () => void ended.count++ });
    });
    return { opened, ended, response: await app.request('/', { method: 'POST', body, duplex: 'half' } as RequestInit) };
  }
  const oneLine = new TextEncoder().encode('{}\n');

  test.for([
    [{ idleInMs: 50, totalInMs: 600_000 }, 'nothing of the request body arrived for 0.05 s'],
    [{ idleInMs: 600_000, totalInMs: 600 }, 'the batch took longer than 0.01 minutes'],
  ] as const)('%j ends a body that does not end, after the lines that arrived', async ([limits, detail]) => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(oneLine) });
    const { response, ended, opened } = await acceptShortly(body, limits);
    const end = lastLineOf(await response.text());
    expect(end).toMatchObject({ type: 'end', accepted: opened.sent.length, unanswered: 0, problem: { status: 408, detail } });
    expect(ended.count).toBe(1);
  });

  test('end the batch of a caller that does not read the reply, and its place is free', async () => {
    const many = new TextEncoder().encode('{}\n'.repeat(10_000));
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(many) }, { highWaterMark: 1 });
    const { ended, response } = await acceptShortly(body, { idleInMs: 50, totalInMs: 600_000 });
    await vi.waitFor(() => expect(ended.count).toBe(1), { timeout: 20_000 });
    await response.body?.cancel();
    expect(ended.count).toBe(1);
  });
});

describe('a batch over HTTP', () => {
  const post = (opened: OpenedApp, query: string, body: string) =>
    opened.app.request(local(`/api/functions/orders/batches${query}`), { method: 'POST', body });

  test('is refused with 429 while too many are in progress, and other requests are accepted', async () => {
    let answer = (): void => {};
    const isAnswered = new Promise<void>((resolve) => (answer = resolve));
    const opened = await openWithFunction({ invokeText: () => isAnswered });
    const replies = await Promise.all(Array.from({ length: 17 }, () => post(opened, '', '{}\n')));
    expect(replies.map(({ status }) => status).sort()).toEqual([...Array.from({ length: 16 }, () => 200), 429]);
    expect((await opened.app.request(local('/api/functions'))).status).toBe(200);
    answer();
    for (const reply of replies) await reply.text();
    await vi.waitFor(async () => expect((await post(opened, '', '{}\n')).status).toBe(200), { timeout: 20_000 });
  });

  test.for([
    ['?key=a.b', 400, 'key must be 1 to 50 letters'],
    ['?key=', 400, 'key must be 1 to 50 letters'],
    ['?delay=400d', 400, 'at most 366 days ahead'],
    ['?qualifier=v7', 404, 'has no version'],
    ['?batch', 400, 'batch'],
  ] as const)('with %s is refused before its body is read', async ([query, status, detail]) => {
    const opened = await openWithFunction();
    const response = await post(opened, query, '{}\n');
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(detail)]);
    expect(opened.sent).toEqual([]);
  });
});
