import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type FunctionDefinition, functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { bootstrapFile } from '#test/support/hosts/bootstraps.ts';
import { execute, executionOf, handlerFile, neverAborted, processFunction } from '#test/support/hosts/executions.ts';

/* Programs of other languages, as a user puts them: each test needs the tools of its language, and counts as skipped without them. */

const source = (name: string): string => fileURLToPath(new URL(`../../support/programs/${name}`, import.meta.url));
const hasTool = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sequent-programs-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const host = createProcessHost();
afterAll(() => host.close());

/** An empty folder of a program, and the path of its `bootstrap`. */
function place(name: string): { folder: string; bootstrap: string } {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  return { folder: own, bootstrap: join(own, 'bootstrap') };
}

function placeCopy(name: string): string {
  const { bootstrap } = place(name);
  cpSync(source(name), bootstrap);
  chmodSync(bootstrap, 0o755);
  return bootstrap;
}

function program(name: string, file: string, more: { runtime?: string; handler?: string } & Partial<FunctionDefinition> = {}) {
  const { runtime, handler = 'index.handler', ...rest } = more;
  return functionDefinitionSchema.parse({ name, ...rest, handler: { kind: 'process', file, runtime, export: handler } });
}

async function answerTo(definition: FunctionDefinition, event: unknown, requestId = 'r-1'): Promise<{ value: unknown; output: string }> {
  const result = await host.execute(executionOf(definition, event, { requestId: requestId as never }), neverAborted());
  if (result.kind !== 'returned') throw new Error(JSON.stringify(result));
  return { value: parsed(result.payload), output: result.output ?? '' };
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return payload;
  }
}

describe('a custom runtime', () => {
  test.skipIf(!hasTool('curl', '--version'))("runs FunctionGraph's sample of a shell script", async () => {
    const definition = program('shell', placeCopy('shell.sh'));
    for (let index = 0; index < 3; index++) expect((await answerTo(definition, { index })).value).toBe('Echoing request: hello world!');
  });

  test.skipIf(!hasTool('go', 'version'))("runs FunctionGraph's sample in Go", { timeout: 240_000 }, async () => {
    const { bootstrap } = place('go');
    const env = { ...process.env, GO111MODULE: 'off', CGO_ENABLED: '0', GOFLAGS: '' };
    execFileSync('go', ['build', '-o', bootstrap, source('main.go')], { env });
    const definition = program('in-go', bootstrap);
    const { value, output } = await answerTo(definition, { name: 'Ada' }, 'r-go');
    expect(value).toMatchObject({ statusCode: 200, body: expect.stringContaining('function: default:in-go:latest, request id: r-go') });
    expect(value).toMatchObject({ body: expect.stringMatching(/X-Cff-Invoke-Type:\[async\].*payload: \{"name":"Ada"\}$/) });
    expect(output).toMatch(/processing request r-go\.\n$/);
    const invalid = await execute(host, definition, [1]);
    expect(invalid).toMatchObject({
      failure: { code: 4002, errorType: 'invalid event', message: 'function invocation exception, error: invalid json formated event' },
    });
  });

  test.skipIf(!hasTool('javac', '-version'))('runs a program in Java', { timeout: 120_000 }, async () => {
    const { folder: own, bootstrap } = place('java');
    execFileSync('javac', ['-d', own, source('Main.java')]);
    writeFileSync(bootstrap, '#!/bin/sh\nexec java -cp "$RUNTIME_CODE_ROOT" Main\n', { mode: 0o755 });
    expect(await answerTo(program('in-java', bootstrap), { id: 7 })).toEqual({ value: { java: { id: 7 } }, output: 'request r-1\n' });
  });

  test.skipIf(!hasTool('rustc', '--version'))('runs a program in Rust', { timeout: 120_000 }, async () => {
    const { bootstrap } = place('rust');
    execFileSync('rustc', ['-o', bootstrap, source('main.rs')]);
    expect(await answerTo(program('in-rust', bootstrap), { id: 7 })).toEqual({ value: { rust: { id: 7 } }, output: 'request r-1\n' });
  });

  test.each(['custom', 'http', 'executable'])(
    'that is missing, or not executable, fails the attempt with its name: %s',
    async (runtime) => {
      const { bootstrap } = place('plain');
      writeFileSync(bootstrap, '#!/bin/sh\n', { mode: 0o644 });
      for (const [name, file] of [
        ['absent', '/nowhere/"the"/bootstrap'],
        ['unmarked', bootstrap],
      ] as const)
        expect(await execute(host, program(`${name}-${runtime}`, file, { runtime }))).toMatchObject({
          kind: 'failed',
          failure: { kind: 'function', code: 4001, errorType: 'FunctionEntryMissing', message: expect.stringContaining(file) },
        });
    },
  );

  test('that ends before it polls fails with its output', async () => {
    const { bootstrap } = place('leaving');
    writeFileSync(bootstrap, '#!/bin/sh\necho no database >&2\nexit 3\n', { mode: 0o755 });
    expect(await execute(host, program('leaving', bootstrap))).toMatchObject({
      failure: { code: 4201, message: 'function initialization exception: the program exited with code 3 before it was ready' },
      output: 'no database\n',
    });
  });

  test('may answer again after an answer that it cut off, and gets answers that are not in chunks', async () => {
    const { bootstrap } = place('cutting');
    cpSync(source('cutting.mjs'), join(folder, 'cutting', 'cutting.mjs'));
    writeFileSync(bootstrap, `#!/bin/sh\nexec '${process.execPath}' "$RUNTIME_CODE_ROOT/cutting.mjs"\n`, { mode: 0o755 });
    const definition = program('cutting', bootstrap);
    expect((await answerTo(definition, {})).value).toBe('whole');
    expect((await answerTo(definition, {})).output).toBe('after content-length\n');
  });

  test('has no descriptor of the channel between the process of its function and the worker', async () => {
    const { bootstrap } = place('listing');
    writeFileSync(bootstrap, '#!/usr/bin/env -S ls -l /proc/self/fd\n', { mode: 0o755 });
    const result = await execute(host, program('listing', bootstrap));
    // Standard output and errors are one socket. Who started the tests may have left others open, with high numbers.
    expect(result.output?.match(/ (\d\d?) -> (?:socket|pipe):/g)?.map((found) => found.split(' ')[1])).toEqual(['1', '2']);
  });

  test('shares the memory that it reports with the processes below it', async () => {
    const definition = processFunction({ name: 'measured', file: customFile(), export: 'echo' });
    const result = await host.execute(executionOf(definition, {}, { measuresMemory: true } as never), neverAborted());
    expect(result.memoryUsedInMb).toBeGreaterThan(10);
  });
});

const customFile = (): string => bootstrapFile('handlers.mjs');

describe('the address of a runtime', () => {
  test('gives the events of a function to no other function of the machine', async () => {
    const opened = createProcessHost();
    onTestFinished(() => opened.close());
    const address = await execute(opened, processFunction({ name: 'victim', file: customFile(), export: 'environment' }));
    if (address.kind !== 'returned') throw new Error(JSON.stringify(address));
    const api = `http://${JSON.parse(address.payload).env.RUNTIME_API_ADDR}/v1/runtime/invocation`;
    const thief = processFunction({ name: 'thief', file: handlerFile('handlers.mjs'), export: 'ask' });
    for (const [path, method] of [
      ['request', 'GET'],
      ['response/r-1', 'POST'],
    ] as const)
      expect(await execute(opened, thief, { url: `${api}/${path}`, method })).toEqual({ kind: 'returned', payload: 'refused' });
    expect(await execute(opened, processFunction({ name: 'victim', file: customFile(), export: 'environment' }))).toMatchObject({
      kind: 'returned',
    });
  });

  test('accepts the answer to the request in progress alone, once', async () => {
    const definition = processFunction({ name: 'impostor', file: customFile(), export: 'answerOthers' });
    expect((await answerTo(definition, {}, 'r-own')).value).toEqual([400, 400, 404]);
  });
});

describe('an HTTP function', () => {
  const server = (): FunctionDefinition => {
    const { folder: own, bootstrap } = place('http');
    cpSync(source('server.mjs'), join(own, 'server.mjs'));
    writeFileSync(bootstrap, `#!/bin/sh\nexec '${process.execPath}' "$RUNTIME_CODE_ROOT/server.mjs"\n`, { mode: 0o755 });
    return program('web', bootstrap, { runtime: 'http', memoryInMb: 256 });
  };
  const answerOf = async (event: unknown) => (await answerTo(server(), event)).value as { body: string } & Record<string, unknown>;

  test('gets any event as the body of a POST, with the headers that FunctionGraph documents', async () => {
    const answer = await answerOf({ id: 7 });
    expect(answer).toMatchObject({ statusCode: 200, isBase64Encoded: false, headers: { 'x-own': 'yes' } });
    expect(JSON.parse(answer.body)).toMatchObject({
      method: 'POST',
      url: '/',
      body: '{"id":7}',
      headers: {
        'content-type': 'application/json',
        'x-cff-request-id': 'r-1',
        'x-cff-memory': '256',
        'x-cff-timeout': '30',
        'x-cff-func-version': 'latest',
        'x-cff-func-name': 'web',
        'x-cff-project-id': expect.any(String),
        'x-cff-package': 'default',
        'x-cff-region': expect.any(String),
      },
    });
  });

  test('gets an event of API Gateway as the request that it describes', async () => {
    const answer = await answerOf({
      httpMethod: 'PUT',
      path: '/orders/ä 7',
      queryStringParameters: { page: '2' },
      headers: { 'X-Mine': 'yes', Host: 'shop.example', 'Content-Length': '900' },
      body: Buffer.from('text').toString('base64'),
      isBase64Encoded: true,
    });
    expect(JSON.parse(answer.body)).toMatchObject({
      method: 'PUT',
      url: '/orders/%C3%A4%207?page=2',
      body: 'text',
      headers: { 'x-mine': 'yes', host: expect.stringMatching(/^127\.0\.0\.1/) },
    });
  });

  test('fails an event that describes no request, and serves the next one in the same process', async () => {
    const { pid } = JSON.parse((await answerOf({})).body);
    for (const event of [
      { httpMethod: 'GET', path: '/\ud800' },
      { httpMethod: 'GET', path: '/', queryStringParameters: [1] },
    ])
      expect(await execute(host, server(), event)).toMatchObject({ failure: { code: 4002, errorType: 'HttpError' } });
    expect(JSON.parse((await answerOf({})).body)).toMatchObject({ pid });
  });

  test('returns bytes that are no text in base64, and a status of a failure fails the attempt', async () => {
    expect(await answerOf({ httpMethod: 'GET', path: '/binary' })).toMatchObject({ isBase64Encoded: true, body: '//4=' });
    expect(await execute(host, server(), { httpMethod: 'GET', path: '/fail' })).toMatchObject({
      kind: 'failed',
      failure: { code: 4002, errorType: 'HttpError', message: expect.stringContaining('503: not now'), retryAfterInMs: 7_000 },
      output: 'GET /fail\n',
    });
  });
});

describe('an executable that keeps the runtime protocol', () => {
  test('runs as it is', async () => {
    const definition = program('direct', placeCopy('protocol.sh'), { runtime: 'executable' });
    const results = await Promise.all([1, 2, 3].map(() => execute(host, definition)));
    expect(results.map((result) => (result.kind === 'returned' ? result.payload : result))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^shell \d+$/)]),
    );
    expect(results.every(({ kind }) => kind === 'returned')).toBe(true);
  });
});
