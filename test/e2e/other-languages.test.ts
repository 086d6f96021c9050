import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { defineFunction, startWorker } from '#src/client/client.ts';
import { findOnPath } from '#src/main/find-on-path.mjs';
import { sharedTest as test } from '#test/support/fixtures.ts';

const fileIn = (name: string): string => fileURLToPath(new URL(`../../docs/clients/${name}`, import.meta.url));

const hello = defineFunction({ name: 'hello', handler: ({ name }: { name: string }) => ({ greeting: `Hello, ${name}!` }) });
const broken = defineFunction({
  name: 'broken',
  policy: { maxRetries: 0 },
  handler: () => {
    throw new Error('no stock');
  },
});

describe.for<[language: string, program: string, args: string[]]>([
  ['Python', 'python3', [fileIn('client.py')]],
  ['Go', 'go', ['run', fileIn('client.go')]],
])('the client of docs/clients in %s', ([, program, args]) => {
  const isInstalled = findOnPath(program) !== undefined;

  test('has at most 100 lines', () => {
    expect(
      readFileSync(args.at(-1) ?? '', 'utf8')
        .trimEnd()
        .split('\n').length,
    ).toBeLessThanOrEqual(100);
  });

  /** Starts the client. `stop` ends a responder, which runs until then. */
  function start(url: string, given: string[]) {
    // `go run` starts a process of its own, which ends with the group.
    const child = spawn(program, [...args, ...given], { env: { ...process.env, NATS_URL: url }, detached: true });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    const printed = (): string => Buffer.concat(chunks).toString().trim();
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, printed: printed() }));
    const stop = () => void (child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, 'SIGKILL'));
    return { ended, stop, isReady: () => printed().includes('ready') };
  }

  test.skipIf(!isInstalled)('invokes a function, and tells success from failure', { timeout: 240_000 }, async ({ server, sequent: _ }) => {
    await using _worker = await startWorker({ servers: server.url, functions: [hello, broken] });
    const ran = await start(server.url, ['invoke', 'hello', '{"name":"Ada"}']).ended;
    expect(ran).toEqual({ code: 0, printed: '{"greeting":"Hello, Ada!"}' });
    const failed = await start(server.url, ['invoke', 'broken']).ended;
    expect(failed.code).toBe(1);
    // `go run` adds a line with the exit code.
    expect(JSON.parse(failed.printed.split('\n')[0] ?? '')).toMatchObject({
      errorMessage: expect.stringContaining('no stock'),
      errorType: 'Error',
    });
  });

  test.skipIf(!isInstalled)('runs a function, whose errors are retried', { timeout: 240_000 }, async ({ server, client }) => {
    const name = `price-${program}`;
    const subject = `shop.${program}`;
    const backoff = { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 };
    await client.functions.put({ name, handler: { kind: 'subject', subject }, policy: { maxRetries: 1, backoff } });
    const responder = start(server.url, ['respond', subject]);
    try {
      await expect.poll(responder.isReady, { timeout: 60_000 }).toBe(true);
      const priced = await (await client.invoke(name, { count: 6 })).result();
      expect(priced).toMatchObject({ outcome: 'succeeded', value: { price: 42, attempt: 1 } });
      const refused = await client.invoke(name, ['no', 'count']);
      expect(await refused.result()).toMatchObject({ outcome: 'failed' });
      expect((await client.timeline(refused.requestId)).attempts).toBe(2);
    } finally {
      responder.stop();
      await responder.ended;
    }
  });

  test.skipIf(!isInstalled)('says that nobody stores its request', { timeout: 60_000 }, async ({ server }) => {
    const refused = await start(server.url, ['invoke', 'no.such.subject']).ended;
    expect(refused).toEqual({ code: 1, printed: expect.stringContaining('not accepted') });
  });
});
