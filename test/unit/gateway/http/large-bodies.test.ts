import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createRequests } from '#src/client/invoke/requests.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { F, local, openApp } from '#test/support/gateway/opened-app.ts';
import { longestTurn, timeAtOnce } from '#test/support/longest-turn.ts';

const config = { package: 'default', runtime: 'Node.js20.15', timeout: 3, handler: 'index.handler', memory_size: 128, code_type: 'zip' };

/** The parts of a body, as a connection brings them. */
function* partsOf(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

const random = { path: 'random', content: randomBytes(20_000_000) };
const script = { path: 'index.js', content: Buffer.from('exports.handler = (event) => event;') };
/** Several thousand files whose texts are short, so that no single one is long. */
const many = Array.from({ length: 9_000 }, (_, index) => ({ path: `f${index}.txt`, text: '"a"\n\\ é 😀 '.repeat(120) }));

describe('an upload of the largest size', () => {
  const uploads: Record<string, { path: string; body: () => Promise<Buffer> }> = {
    'a zip archive for a function of the vendor': {
      path: F,
      body: async () => {
        const file = (await writeZip([script, random])).toString('base64');
        return Buffer.from(JSON.stringify({ ...config, func_name: 'large', func_code: { file } }));
      },
    },
    'a zip archive with the code of another language': {
      path: '/api/functions/large/packages',
      body: async () => {
        const zip = (await writeZip([{ path: 'bootstrap', content: Buffer.from('#!/bin/sh\n'), isExecutable: true }, random])).toString(
          'base64',
        );
        return Buffer.from(JSON.stringify({ handler: 'index.handler', zip }));
      },
    },
    'thousands of files': {
      path: '/api/functions/large/packages',
      body: async () =>
        Buffer.from(JSON.stringify({ handler: 'index.handler', files: [{ path: 'bootstrap', text: '#!/bin/sh\n' }, ...many] })),
    },
  };

  test.for(Object.entries(uploads))(
    'as %s takes no turn of the event loop that others would wait for (SHARE1)',
    { timeout: 300_000 },
    async ([, { path, body }]) => {
      const bytes = await body();
      const upload = async (): Promise<void> => {
        const { app } = await openApp();
        const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, duplex: 'half' };
        const reply = await app.request(local(path), { ...sent, body: Readable.toWeb(Readable.from(partsOf(bytes))) } as RequestInit);
        expect([reply.status, reply.status === 200 ? '' : await reply.text()]).toEqual([200, '']);
      };
      const atOnce = timeAtOnce(() =>
        createHash('sha512')
          .update(Buffer.from(JSON.stringify(JSON.parse(bytes.toString())), 'base64'))
          .digest(),
      );
      const longest = await longestTurn(upload, atOnce / 3);
      expect(longest, `the longest turn took ${longest} ms, and the work at once ${atOnce} ms`).toBeLessThan(atOnce / 3);
    },
  );
});

describe('an event of the largest size', () => {
  test('is checked in parts, and as JSON.parse does (SHARE1)', { timeout: 60_000 }, async () => {
    const requests = createRequests({ large: { maxBytesOf: () => 8_000_000 } } as never);
    const payload = `[${'[],'.repeat(2_000_000)}[]]`;
    const atOnce = timeAtOnce(() => JSON.parse(payload));
    const longest = await longestTurn(async () => await requests.check('f' as never, { payload }), atOnce / 3);
    expect(longest, `the longest turn took ${longest} ms, and the work at once ${atOnce} ms`).toBeLessThan(atOnce / 3);
    await expect(requests.check('f' as never, { payload: `${payload}]` })).rejects.toThrow(/^the payload is not JSON: /);
  });

  test('is refused for its size before it is parsed', async () => {
    const requests = createRequests({} as never);
    await expect(requests.check('f' as never, { payload: '['.repeat(300_000) })).rejects.toThrow(/has 300000 bytes/);
  });
});

describe('a batch of the largest size', () => {
  test('is sent in groups of events, between which the thread serves others (SHARE1)', { timeout: 60_000 }, async () => {
    const opened = await openApp();
    await opened.registry.put({ name: 'f', handler: { kind: 'inline' } });
    const groups: number[] = [];
    const invokeTexts = opened.client.invokeTexts.bind(opened.client);
    opened.client.invokeTexts = async (name, payloads, options) => {
      groups.push(payloads.reduce((sum, { length }) => sum + length, 0));
      return await invokeTexts(name, payloads, options);
    };
    const events = Array.from({ length: 1_000 }, (_, index) => ({ index, text: 'x'.repeat(8_000) }));
    const send = (body: string) =>
      opened.app.request(local('/api/functions/f/invocations?batch=true'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
    const reply = await send(JSON.stringify(events));
    expect([reply.status, ((await reply.json()) as { invocations: unknown[] }).invocations.length]).toEqual([202, 1_000]);
    expect(opened.sent.map(({ payload }) => payload)).toEqual(events.map((event) => JSON.stringify(event)));
    expect(Math.max(...groups)).toBeLessThan(300_000);
  });

  test.for([
    ['no JSON', '[1,]', 406],
    ['no array', '{"a":1}', 400],
    ['no event', '[]', 400],
    ['too many events', `[${'1,'.repeat(1_000)}1]`, 400],
  ] as const)('is refused for %s', async ([, body, status]) => {
    const opened = await openApp();
    await opened.registry.put({ name: 'f', handler: { kind: 'inline' } });
    const headers = { 'content-type': 'application/json' };
    expect((await opened.app.request(local('/api/functions/f/invocations?batch=true'), { method: 'POST', headers, body })).status).toBe(
      status,
    );
  });
});
