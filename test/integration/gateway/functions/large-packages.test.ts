import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { PROJECT, type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';

let sequent: RunningSequent;
beforeAll(async () => {
  sequent = await startSequent({ without: ['worker', 'destinations', 'scheduler'] });
});
afterAll(() => sequent[Symbol.asyncDispose]());

const MB = 1_048_576;
/** The package unpacked, beside its archive and what the collector of garbage has not freed yet. Twelve packages at once took 560 MB. */
const MAX_GROWTH_IN_MB = 250;

/** The most bytes of buffers during a work, beyond those before it. */
async function growthInMb(work: Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  let largest = before;
  const timer = setInterval(() => {
    largest = Math.max(largest, process.memoryUsage().arrayBuffers);
  }, 5);
  await work.finally(() => clearInterval(timer));
  return (largest - before) / MB;
}

test('small changes of a large package, and reads of it, take memory for one package at a time (SHARE1)', {
  timeout: 120_000,
}, async () => {
  const half = '/api/functions/half';
  const text = '/* a comment */'.repeat(280_000);
  const files = Array.from({ length: 7 }, (_, index) => ({ path: `node_modules/a/${index}.js`, text }));
  const first = [{ path: 'index.mjs', text: 'export const handler = (event) => event;' }, ...files];
  const stored = await sequent.ask('POST', `${half}/packages`, { body: { files: first } });
  expect(stored.status).toBe(200);
  const { handler } = (await stored.json()) as { handler: object };
  expect((await sequent.ask('PUT', half, { body: { handler } })).status).toBe(200);
  // The second half, so that the package has 59 MB, which no request could have.
  const more = files.map((file) => ({ ...file, path: `node_modules/b/${file.path}` }));
  const whole = await sequent.ask('POST', `${half}/packages`, { body: { base: 'latest', files: more } });
  expect(whole.status).toBe(200);
  const large = (await whole.json()) as { handler: object };
  expect((await sequent.ask('PUT', '/api/functions/large', { body: { handler: large.handler } })).status).toBe(200);

  const change = { base: 'latest', files: [{ path: 'x.txt', text: '1' }] };
  const asked = Array.from({ length: 12 }, (_, index) =>
    index % 2 === 0
      ? sequent.ask('POST', '/api/functions/large/packages', { body: change })
      : sequent.ask('GET', '/api/functions/large/code'),
  );
  const growth = await growthInMb(Promise.all(asked));
  expect(growth).toBeLessThan(MAX_GROWTH_IN_MB);
});

test('readers of a large package that read nothing cost no more reads of it than they may hold', { timeout: 120_000 }, async () => {
  const zip = await writeZip([
    { path: 'index.js', content: Buffer.from('exports.handler = (event) => event;') },
    { path: 'random', content: randomBytes(8 * MB) },
  ]);
  const fn = { func_name: 'held', package: 'default', runtime: 'Node.js20.15', timeout: 3, handler: 'index.handler', memory_size: 128 };
  const body = { ...fn, code_type: 'zip', func_code: { file: zip.toString('base64') } };
  expect((await sequent.ask('POST', `/v2/${PROJECT}/fgs/functions`, { body })).status).toBe(200);
  const sentBytes = async () => ((await (await fetch(`${sequent.server.monitorUrl}/varz`)).json()) as { out_bytes: number }).out_bytes;
  const before = await sentBytes();
  // Replies whose bodies nobody reads.
  const replies = await Promise.all(Array.from({ length: 12 }, () => sequent.ask('GET', `/v2/${PROJECT}/fgs/functions/held/code`)));
  expect(replies.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, ...Array(11).fill(429)]);
  expect(((await sentBytes()) - before) / MB).toBeLessThan(1.5 * 8);
  for (const reply of replies) await reply.body?.cancel();
});
