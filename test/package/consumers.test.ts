import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { CheckResult, Problem } from '@arethetypeswrong/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBuildCurrent } from '#src/main/clone-build.mjs';
import { chosenServer } from '#test/support/cli/passed-on.ts';
import { cloneRepository, npmStart, npxSequent, shellIn } from '#test/support/cli/processes/npm-start.ts';
import { testRecipes } from '#test/support/cli/recipes.ts';
import { documentedLines } from '#test/support/documented-commands.ts';
import { testExamples } from '#test/support/documents/run-examples.ts';
import { newestLtsNode, type PackedSequent, packSequent, withoutCheckout } from '#test/support/package/consumer.ts';
import { speakMcp } from '#test/support/package/mcp-agent.ts';
import { followReadme } from '#test/support/package/readme-steps.ts';

const { devDependencies, dependencies } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
  devDependencies: Record<string, string>;
  dependencies: Record<string, string>;
};
const { packages: locked } = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, { dev?: boolean }>;
};
/** The packages that nothing needs at run time. A package that a dependency needs too, such as esbuild, is not among them. */
const developmentOnly = Object.keys(devDependencies).filter((name) => locked[`node_modules/${name}`]?.dev === true);
const tools = ['typescript', 'esbuild', 'vitest', '@types/node'].map((name) => `${name}@${{ ...dependencies, ...devDependencies }[name]}`);
/** npm packs and installs while it makes progress (`runWhileProgressing`). Only a command that never ends reaches this limit. */
const FAR_LIMIT_IN_MS = 1_200_000;
const closing: (() => Promise<unknown>)[] = [];

let packed: PackedSequent;
/** The folder of the package that npm installed globally. */
let installed: string;
/** The server of the installed command. */
let served: { nats: string; http: string; said: () => string };

beforeAll(async () => {
  packed = await packSequent();
  closing.unshift(async () => await packed[Symbol.asyncDispose]());
  const globally = packed.installGlobally().then(async (folder) => {
    installed = folder;
    served = await serve();
  });
  await Promise.all([globally, packed.installLocally(tools)]);
}, FAR_LIMIT_IN_MS);

afterAll(async () => {
  for (const close of closing) await close();
});

const start = ['serve', '--start-server', '--deploy-examples'];

/** Starts the command `sequent` that npm installed. */
async function serve(): Promise<typeof served> {
  const command = join(packed.folder, 'global/bin/sequent');
  const args = [...start, '--nats-port', '0', '--http-port', '0'];
  const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', ...chosenServer };
  const [program = '', ...words] = [...withoutCheckout, command, ...args];
  const child = spawn(program, words, { cwd: packed.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const exited = once(child, 'exit');
  closing.unshift(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  for await (const line of createInterface(child.stdout)) {
    const [, nats, http] = /^sequent ready (\S+) .* http (\S+)$/.exec(line) ?? [];
    if (nats !== undefined && http !== undefined) return { nats, http, said: () => said };
  }
  throw new Error(`sequent serve ended before it was ready:\n${said}`);
}

const invokeHello = `import { connectClient } from 'sequent-functions/client';

async function main() {
  const client = await connectClient({ servers: process.argv[2] });
  const invoked = await client.invoke('hello', { name: 'Ada' });
  const { outcome, value } = await invoked.result();
  await client.close();
  process.stdout.write(outcome + ' ' + value.greeting);
}

main();
`;
const GREETED = 'succeeded Hello, Ada!';

describe('the package', () => {
  test('has at most 2.2 MB and no tests, and installs run-time dependencies only', async () => {
    const { size } = await stat(packed.tarball);
    const files = await readdir(installed, { recursive: true });
    const own = files.filter((file) => !file.startsWith('node_modules/'));
    process.stdout.write(`the package has ${Math.round(size / 1_000)} kB and ${own.length} files and folders\n`);
    expect(size).toBeLessThanOrEqual(2_200_000);
    expect(own.filter((file) => /(^|\/)(test|bench)\/|\.test\./.test(file))).toEqual([]);
    const direct = Object.keys(dependencies).filter((name) => files.includes(join('node_modules', name, 'package.json')));
    expect(direct).toEqual(Object.keys(dependencies));
    expect(Object.keys(devDependencies).filter((name) => files.includes(join('node_modules', name, 'package.json')))).toEqual([]);
  });

  test('serves without the optional packages of traces, and says how to install them', () => {
    expect(served.said()).toContain('run: npm install @opentelemetry/sdk-trace-node@2 ');
  });

  test('has an SBOM of every package it runs with and its pages contain, with the licences of the latter', async () => {
    const { bomFormat, components } = JSON.parse(await readFile(join(installed, 'dist/sbom.cdx.json'), 'utf8')) as {
      bomFormat: string;
      components: { name: string; version: string }[];
    };
    const named = new Map(components.map(({ name, version }) => [name, version]));
    expect(bomFormat).toBe('CycloneDX');
    expect(Object.fromEntries(Object.keys(dependencies).map((name) => [name, named.get(name)]))).toEqual(dependencies);
    const notices = await readFile(join(installed, 'dist/src/web/dist/third-party-licenses.md'), 'utf8');
    const bundled = [...notices.matchAll(/^## (?:@[\w.-]+\/)?([\w.-]+) - (?!0\.0\.0)/gm)].map(([, name = '']) => name);
    expect(bundled).toEqual(expect.arrayContaining(['preact', 'state', 'uplot']));
    // The notices name packages without their scopes.
    const unscoped = new Set([...named.keys()].map((name) => name.replace(/^@[^/]+\//, '')));
    expect(bundled.filter((name) => !unscoped.has(name))).toEqual([]);
    expect(developmentOnly.filter((name) => named.has(name) && !bundled.includes(name.replace(/^@[^/]+\//, '')))).toEqual([]);
  });

  test('has the licences of all code that its modules contain, and names this code in the SBOM', async () => {
    const { components } = JSON.parse(await readFile(join(installed, 'dist/sbom.cdx.json'), 'utf8')) as {
      components: { group?: string; name: string; version: string }[];
    };
    const named = components.map(({ group, name, version }) => `${group === undefined ? '' : `${group}/`}${name} - ${version}`);
    const notices = await readFile(join(installed, 'dist/third-party-licenses.md'), 'utf8');
    const parts = notices.split(/^## /m).slice(1);
    const packages = parts.map((part) => /^(.+?) \(/.exec(part)?.[1] ?? '');
    // nats contains nkeys.js, which contains tweetnacl.
    const expected = ['@opentelemetry/api', 'commander', 'nats', 'nkeys.js', 'tweetnacl', 'xstate', 'zod'];
    expect(packages.map((one) => one.replace(/ - .*/, ''))).toEqual(expected);
    expect(packages.filter((one) => !named.includes(one))).toEqual([]);
    for (const part of parts) expect(part).toMatch(/Permission is hereby granted|Apache License|unencumbered software/);
  });

  test('is without findings of publint, and of Are The Types Wrong for ES modules', async () => {
    const { publint } = await import('publint');
    const { formatMessage } = await import('publint/utils');
    const { messages, pkg } = await publint({ pkgDir: installed, strict: true, pack: false });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
    const { checkPackage, createPackageFromTarballData } = await import('@arethetypeswrong/core');
    const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(packed.tarball))));
    const { types, problems = [] } = checked as CheckResult & { problems?: Problem[] };
    // The package has ES modules alone, which Node 20.19 and newer can also `require`.
    const ofModules = problems.filter((one) => !('resolutionKind' in one) || !['node10', 'node16-cjs'].includes(one.resolutionKind));
    expect({ types, ofModules }).toEqual({ types: { kind: 'included' }, ofModules: [] });
  });

  test('that npm installs globally serves the pages and all their assets', async () => {
    const page = await fetch(`${served.http}/`, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    const assets = [...(await page.text()).matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(assets.length).toBeGreaterThan(1);
    for (const path of assets) expect((await fetch(served.http + path)).status).toBe(200);
  });

  test('runs on this Node and on the newest LTS without a loader: a client invokes and gets the result', async () => {
    const app = await packed.consumer('plain', { 'app.mjs': invokeHello });
    if (withoutCheckout.length > 0) expect(await app.run('ls', ['-A', new URL('../..', import.meta.url).pathname])).toBe('');
    for (const node of [process.execPath, await newestLtsNode()]) {
      process.stdout.write(`a client on plain Node ${await app.run(node, ['--version'])}`);
      expect(await app.run(node, ['app.mjs', served.nats])).toBe(GREETED);
    }
  });

  test.for(['esm', 'cjs'])('is bundled by esbuild into one %s file, which invokes and gets the result', async (format) => {
    const app = await packed.consumer(`bundle-${format}`, { 'app.mjs': invokeHello });
    const bundle = `../${format}.${format === 'esm' ? 'mjs' : 'cjs'}`;
    await app.run('node_modules/.bin/esbuild', ['app.mjs', '--bundle', '--platform=node', `--format=${format}`, `--outfile=${bundle}`]);
    // The bundle is above node_modules, so that the bundle alone runs.
    expect(await app.run(process.execPath, [bundle, served.nats])).toBe(GREETED);
  });

  test.for([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const)('has types for module %s and resolution %s, strict and without skipLibCheck', async ([module, moduleResolution]) => {
    const compilerOptions = {
      module,
      moduleResolution,
      strict: true,
      skipLibCheck: false,
      target: 'es2022',
      types: ['node'],
      noEmit: true,
    };
    const app = await packed.consumer(`types-${moduleResolution}`, {
      'package.json': '{ "type": "module" }',
      'tsconfig.json': JSON.stringify({ compilerOptions, files: ['app.ts'] }),
      'app.ts': typedApplication,
    });
    // The declarations of all dependencies are checked too.
    expect(await app.run('node_modules/.bin/tsc', [])).toBe('');
  });

  test('runs the example of docs/testing.md in the vitest of an application, under virtual time', async () => {
    const app = await packed.consumer('vitest', { 'package.json': '{ "type": "module" }', 'billing.test.ts': await documentedTest() });
    expect(await app.run('node_modules/.bin/vitest', ['run', '--no-color'])).toMatch(/Tests\s+1 passed \(1\)/);
  });
});

describe('README', () => {
  test('leads a reader who has the package alone to a function with a destination, word for word', { timeout: 400_000 }, async () => {
    const app = await packed.consumer('reader', {});
    // `npx` runs the command of the packages of this folder, which knows the server by the data folder above.
    const shell = async (script: string): Promise<string> => await app.run('env', [`SEQUENT_HTTP=${served.http}`, 'sh', '-ec', script]);
    await followReadme({ folder: app.folder, shell });
  });

  test('starts Sequent in the package by the words that start it in this test', async () => {
    for (const readme of ['README.md', 'README.zh-CN.md'])
      expect(await readFile(new URL(`../../${readme}`, import.meta.url), 'utf8')).toContain(`\`npx sequent ${start.join(' ')}\``);
  });
});

test('sequent mcp serves an agent once the SDK is installed beside the package', { timeout: 300_000 }, async () => {
  const [install = '', serving = ''] = documentedLines('docs/troubleshooting.md', 'An agent looks');
  const [, words = ''] = /^sequent (mcp --server) \S+$/.exec(serving) ?? [];
  const command = [...withoutCheckout, join(packed.folder, 'global/bin/sequent'), ...words.split(' '), served.nats];
  const [program = '', ...args] = command;
  const missing = promisify(execFile)(program, args, { cwd: packed.folder });
  await expect(missing).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(install) });
  const [, sdk = ''] = /^npm install --global (\S+)$/.exec(install) ?? [];
  await packed.addGlobally(`${sdk}@${devDependencies[sdk]}`);
  const spoken = await speakMcp(command, packed.folder, { name: 'list_functions', arguments: {} });
  expect(spoken).toMatchObject({ isError: false, answer: expect.stringContaining('"hello"') });
  expect(spoken.tools).toContain('explain');
});

test('two clones, at different times and in folders of different depth, pack into equal bytes', { timeout: 600_000 }, async () => {
  const { first, second } = await packed.packAgain();
  // The names of what differs say more than two hashes.
  const compared = await promisify(execFile)('diff', ['-rq', first.files, second.files]).catch((error: { stdout: string }) => error);
  expect(compared.stdout.replaceAll(first.files, 'one').replaceAll(second.files, 'other')).toBe('');
  expect(first.bytes.equals(second.bytes)).toBe(true);
});

/** The summary of a command, which its help prints. */
const SUMMARY = 'execute a handler file once in this terminal';

describe('a clone that holds a build', () => {
  test('starts without development packages, with the pages of the build', { timeout: 120_000 }, async () => {
    const folder = join(packed.folder, 'clone');
    await cloneRepository(folder);
    await cp(join(packed.clone, 'dist'), join(folder, 'dist'), { recursive: true });
    const started = await npmStart({ folder });
    expect(started.said).toContain('running "npm ci --omit=dev"');
    const packages = await readdir(join(folder, 'node_modules'));
    expect(packages).toContain('nats');
    expect(developmentOnly.filter((name) => packages.includes(name))).toEqual([]);
    expect((await fetch(`${started.http}/`, { headers: { accept: 'text/html' } })).status).toBe(200);
    const stdout = await npxSequent({ folder }, ['invoke', 'hello', '-d', '{"name":"Ada"}', '--wait']);
    expect(JSON.parse(stdout)).toMatchObject({ greeting: 'Hello, Ada!' });
    expect(await started.stop()).toBe(0);
  });

  test('starts commands from its build, until a source changes', async () => {
    const clone = { folder: packed.clone, env: { NATS_URL: served.nats } };
    expect(isBuildCurrent(packed.clone)).toBe(true);
    expect(await npxSequent(clone, ['functions', 'ls'])).toContain('hello');
    const table = join(packed.clone, 'src/cli/command-table.ts');
    await writeFile(table, (await readFile(table, 'utf8')).replace(SUMMARY, 'execute a changed sentence'));
    expect(await npxSequent(clone, ['--help'])).toContain('execute a changed sentence');
    expect(await shellIn(clone, 'git checkout --quiet src && git status --porcelain --untracked-files=no')).toBe('');
  });
});

// Last, so that their two servers, which run until the end of this file, take no processor time from the tests above.
const readers = () => ({ library: installed, bin: join(packed.folder, 'global/bin') });
testRecipes(readers);
testExamples(readers);

/** An unused `@ts-expect-error` fails too, so that the types of the package are not `any`. */
const typedApplication = `import { connectClient, defineFunction, type SequentClient } from 'sequent-functions/client';
import { createTestSequent } from 'sequent-functions/testing';

const greet = defineFunction({ name: 'greet', handler: (event: { name: string }) => ({ greeting: event.name }) });

export async function run(servers: string): Promise<string> {
  const client: SequentClient = await connectClient({ servers });
  const invoked = await client.invoke(greet, { name: 'Ada' });
  // @ts-expect-error The event of greet has a name.
  await client.invoke(greet, { nam: 'Ada' });
  const { value } = await invoked.result();
  const sequent = await createTestSequent({ functions: [greet] });
  await sequent.advance(1_000);
  return JSON.stringify(value);
}
`;

/** The example of docs/testing.md as a test of an application, with what its comments say. */
async function documentedTest(): Promise<string> {
  const [, example = ''] = /^```ts\n([\s\S]*?)^```/m.exec(await readFile(new URL('../../docs/testing.md', import.meta.url), 'utf8')) ?? [];
  const [imports = '', ...body] = example.split('\n\n');
  return `${imports}
import { expect, test } from 'vitest';

test('the documented example', async () => {
  ${body.join('\n\n')}
  expect(await sequent.timeline(requestId)).toMatchObject({ state: 'notified', attempts: 4 });
  expect(sequent.results('alarm')).toMatchObject([{ outcome: 'succeeded' }]);
});
`;
}
