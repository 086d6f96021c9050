import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { STRANGER, TOKEN } from '#test/support/gateway/running-gateway.ts';
import type { Sent } from '../ground.ts';
import { json, many, neverRead, type ServiceAttempt, statuses } from '../service-attempt.ts';

/** How long the neighbour tries. */
const ATTEMPT_IN_MS = 15_000;

const compressible = (bytes: number): string => 'export const handler = (event) => event; // '.repeat(Math.ceil(bytes / 44));

/** Small requests that cause much work with code. */
export const packageAttempts: readonly ServiceAttempt[] = [
  {
    name: 'small changes of a package of 60 MB, at once',
    async run({ send, processMemoryInMb }) {
      const files = [
        { path: 'index.mjs', content: Buffer.from('export const handler = (event) => event;') },
        ...Array.from({ length: 15 }, (_, index) => ({
          path: `node_modules/a/${index}.js`,
          content: Buffer.from(compressible(4_000_000)),
        })),
      ];
      const zip = (await writeZip(files)).toString('base64');
      const stored = await send(json('POST', '/api/functions/large/packages', { zip }));
      const { handler } = JSON.parse(stored.body) as { handler: object };
      await send(json('PUT', '/api/functions/large', { handler }));
      const change = { base: 'latest', files: [{ path: 'x.txt', text: '1' }] };
      const before = await processMemoryInMb();
      const closing = new AbortController();
      const stubborn = (sent: Sent) => send({ ...sent, signal: closing.signal }).catch(() => undefined);
      const asked = many(24, (index) =>
        stubborn(
          index % 2 === 0 ? json('POST', '/api/functions/large/packages', change) : { method: 'GET', path: '/api/functions/large/code' },
        ),
      );
      // They take turns, so that the last ones wait for long.
      const largest = await largestUntil(Promise.race([asked, delay(ATTEMPT_IN_MS)]), processMemoryInMb);
      closing.abort();
      // One that waits for its turn for too long is answered with 503.
      const defects = (await asked).filter((reply) => reply?.status === 500);
      if (defects.length > 0) return defects.map((reply) => reply?.body.slice(0, 100)).join('\n');
      return largest - before > MAX_GROWTH_IN_MB ? `the process grew from ${before} to ${largest} MB` : undefined;
    },
  },
  {
    name: 'readers of a large package that never read',
    async run(ground) {
      const { send, processMemoryInMb } = ground;
      const content = randomBytes(15_000_000);
      const zip = await writeZip([
        { path: 'index.js', content: Buffer.from('exports.handler = (event, context, done) => done(null, event)') },
        { path: 'random', content },
      ]);
      const created = {
        func_name: 'slow',
        package: 'default',
        runtime: 'Node.js20.15',
        timeout: 3,
        handler: 'index.handler',
        memory_size: 128,
        code_type: 'zip',
        func_code: { file: zip.toString('base64') },
      };
      const made = await send(json('POST', `/v2/${STRANGER.project}/fgs/functions`, created));
      if (made.status >= 300) return `the function was not made: ${made.status} ${made.body}`;
      const before = await processMemoryInMb();
      const sockets = await many(60, () => neverRead(ground, `/v2/${STRANGER.project}/fgs/functions/slow/code`));
      const largest = await largestUntil(delay(5_000), processMemoryInMb);
      for (const socket of sockets) socket.destroy();
      return largest - before > MAX_GROWTH_IN_MB ? `the process grew from ${before} to ${largest} MB` : undefined;
    },
  },
  {
    name: 'Python whose check takes all of its memory and time',
    async run({ send }) {
      const sources = [
        '('.repeat(90_000),
        `x = ${'[0] * 10 ** 9 + '.repeat(5_000)}[]`,
        `config = ${'['.repeat(200)}${']'.repeat(200)}`,
        `${'import a.b\n'.repeat(200_000)}`,
      ];
      const closing = new AbortController();
      const upload = (text: string) => ({
        ...json('POST', '/api/functions/python/packages', { handler: 'index.handler', files: [{ path: 'index.py', text }] }),
        signal: closing.signal,
      });
      const uploads = Promise.all(sources.map((text) => send(upload(text)).catch(() => undefined)));
      const files = [{ path: 'index.mjs', text: 'export const handler = () => 1;' }];
      const own = await send(json('POST', '/api/functions/mine-too/packages', { files }), TOKEN);
      // The checks take turns of up to 30 s.
      closing.abort();
      if (own.status !== 200) return `the victim got ${own.status} ${own.body}`;
      return (await uploads).some((reply) => reply?.status === 500) ? 'a check failed with 500' : undefined;
    },
  },
  {
    name: 'archives with links, with paths that leave them, and with names that are equal elsewhere',
    async run({ send }) {
      const names = ['../up.mjs', '/abs.mjs', 'a\\b.mjs', 'a/../b.mjs', 'C:x.mjs', 'x\u202e.mjs', 'con.mjs\u0000', 'a//b.mjs', './x.mjs'];
      const archives = [
        ...(await Promise.all(names.map((path) => writeZip([file(path)])))),
        await writeZip([file('index.mjs'), file('INDEX.MJS')]),
        await writeZip([file('e\u0301.mjs'), file('\u00e9.mjs')]),
        await writeZip([file('a'), file('a/b')]),
        asLink(await writeZip([file('index.mjs')])),
        await writeZip(Array.from({ length: 10_001 }, (_, index) => file(`f${index}`))),
      ];
      const replies = [];
      for (const zip of archives) replies.push(await send(json('POST', '/api/functions/tricks/packages', { zip: zip.toString('base64') })));
      return replies.every(({ status }) => status === 400 || status === 413) ? undefined : statuses(replies);
    },
  },
];

const file = (path: string) => ({ path, content: Buffer.from('export const handler = () => 1;') });

/** Says that the first entry is a symbolic link. */
function asLink(archive: Buffer): Buffer {
  const at = archive.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
  archive.writeUInt32LE((0o120777 << 16) >>> 0, at + 38);
  return archive;
}

/** What the attempts of one project may add to the memory of the process. */
const MAX_GROWTH_IN_MB = 700;

async function largestUntil(end: Promise<unknown>, memoryInMb: () => Promise<number>): Promise<number> {
  let isOver = false;
  void end.finally(() => {
    isOver = true;
  });
  let largest = 0;
  while (!isOver) {
    largest = Math.max(largest, await memoryInMb());
    await delay(50);
  }
  return largest;
}
