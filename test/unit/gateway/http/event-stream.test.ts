import { describe, expect, test } from 'vitest';
import { waitOf } from '#src/gateway/api/invocations/prefer.ts';
import { openEventStream } from '#src/gateway/api/streams/event-stream.ts';
import { ask, openApp } from '#test/support/gateway/opened-app.ts';

function open() {
  const ending = new AbortController();
  let closed = 0;
  const stream = openEventStream([ending.signal], () => closed++);
  return { stream, ending, closed: () => closed };
}

describe('an event stream', () => {
  test('ends for a reader that is a megabyte behind, and buffers no more', async () => {
    const { stream, closed } = open();
    const event = `data: ${'x'.repeat(100_000)}\n\n`;
    let sent = 0;
    while (stream.send(event)) sent++;
    expect(sent).toBeLessThan(12);
    expect(stream.send(event)).toBe(false);
    expect([stream.closed.aborted, closed()]).toEqual([true, 1]);
    // The reader still receives the sent text, so it resumes after its last id.
    expect((await stream.response.text()).length).toBeGreaterThan(sent * 100_000);
  });

  test('leaves the limit once, if the reader leaves, the gateway stops or the stream ends', async () => {
    const left = open();
    await left.stream.response.body?.cancel();
    const stopped = open();
    stopped.ending.abort();
    const ended = open();
    ended.stream.end();
    ended.stream.end();
    ended.ending.abort();
    for (const { stream, closed } of [left, stopped, ended]) expect([stream.closed.aborted, closed()]).toEqual([true, 1]);
  });

  test('is refused with 429 while too many readers wait, and other requests are accepted', async () => {
    const opened = await openApp({ limits: { waiting: 1 } });
    const first = await ask(opened, 'GET', '/api/transitions');
    expect((await ask(opened, 'GET', '/api/transitions')).status).toBe(429);
    expect((await ask(opened, 'GET', '/api/functions')).status).toBe(200);
    await first.body?.cancel();
    expect((await ask(opened, 'GET', '/api/transitions')).status).toBe(200);
  });

  test('with an invalid Last-Event-ID is refused with 400', async () => {
    const opened = await openApp();
    for (const id of ['-1', '1e3', 'x'])
      expect((await ask(opened, 'GET', '/api/transitions', { headers: { 'last-event-id': id } })).status).toBe(400);
  });
});

describe('Prefer', () => {
  test.for<[string | undefined, number | undefined]>([
    ['wait=5', 5],
    ['respond-async, wait=10', 10],
    ['wait=10; foo="bar"', 10],
    ['wait=99999', 60],
    ['wait=-1', undefined],
    ['wait=', undefined],
    ['dontwait=5', undefined],
    [undefined, undefined],
  ])('%j waits %j seconds', ([header, seconds]) => {
    expect(waitOf(header)).toBe(seconds);
  });
});
