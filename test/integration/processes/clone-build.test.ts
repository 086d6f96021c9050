import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { buildInBackground, stateOfModules, stateOfSources } from '#src/main/clone-build.mjs';
import { linkPackages, writeCloneStandIn } from '#test/support/cli/processes/clone-stand-in.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

const LONG_AGO = new Date('2020-01-01');

/** A clone with the real entry points, whose command line says from which files it runs. */
let clone: string;
const at = (path: string): string => join(clone, path);

test.beforeEach(async ({ folder }) => {
  clone = folder;
  await writeCloneStandIn(clone);
  await linkPackages(clone);
  await writeFile(at('src/cli/cli.ts'), "process.stdout.write('sources' as string);\n");
  await writeFile(at('src/cli/old.ts'), '');
  await mkdir(at('build'));
});

/** Writes what a build of the present sources makes. */
async function build(): Promise<void> {
  const sources = stateOfSources(clone);
  await mkdir(at('dist/src/cli'), { recursive: true });
  await writeFile(at('dist/package.json'), '{ "type": "module" }');
  await writeFile(at('dist/commands.js'), '');
  await writeFile(at('dist/src/cli/cli.js'), "process.stdout.write('build');\n");
  await writeFile(at('dist/built'), `${sources}\n${stateOfModules(at('dist'))}\n`);
}

function sequent(...args: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [at('src/main/sequent.mjs'), ...args], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout;
}

describe('a command of a clone', () => {
  test('runs the build of the present sources, and a role runs the sources', async () => {
    await build();
    expect(sequent('ls')).toBe('build');
    expect([sequent('serve'), sequent('--project', 'p', 'dev')]).toEqual(['sources', 'sources']);
  });

  test.for([
    ['a source is changed', () => writeFile(at('src/cli/cli.ts'), "process.stdout.write('changed' as string);\n"), 'changed'],
    ['a source is added', () => writeFile(at('src/cli/new.ts'), ''), 'sources'],
    ['a source is removed', () => rm(at('src/cli/old.ts')), 'sources'],
    ['a source is renamed', () => rename(at('src/cli/old.ts'), at('src/cli/new.ts')), 'sources'],
    ['a source gets older', () => utimes(at('src/cli/old.ts'), LONG_AGO, LONG_AGO), 'sources'],
    ['a build script is added', () => writeFile(at('build/new.ts'), ''), 'sources'],
    ['package.json is changed', () => writeFile(at('package.json'), '{ "type": "module" }'), 'sources'],
    ['tsconfig.json is touched', () => utimes(at('tsconfig.json'), LONG_AGO, LONG_AGO), 'sources'],
    ['the lock file is changed', () => writeLock('{ }'), 'sources'],
  ] as const)('runs the sources after %s', async ([, change, expected]) => {
    await build();
    expect(sequent('ls')).toBe('build');
    await change();
    expect(sequent('ls')).toBe(expected);
  });

  test.for([
    ['is not whole', () => rm(at('dist/built'))],
    ['lacks a module', () => rm(at('dist/commands.js'))],
    ['lacks its entry point', () => rm(at('dist/src/cli/cli.js'))],
    ['holds a truncated module', () => writeFile(at('dist/src/cli/cli.js'), 'process.stdout.wr')],
    ['has an empty record', () => writeFile(at('dist/built'), '')],
  ] as const)('runs the sources when the build %s', async ([, damage]) => {
    await build();
    await damage();
    expect(sequent('ls')).toBe('sources');
  });

  test('runs the build after files appeared that Python or a build wrote', async () => {
    await build();
    await mkdir(at('src/cli/__pycache__'));
    await writeFile(at('src/cli/__pycache__/module.pyc'), '');
    await cp(at('dist'), at('src/web/dist'), { recursive: true });
    expect(sequent('ls')).toBe('build');
  });
});

/** A lock file that is newer than the installed packages would start npm. */
async function writeLock(content: string): Promise<void> {
  await writeFile(at('package-lock.json'), content);
  await utimes(at('package-lock.json'), LONG_AGO, LONG_AGO);
}

describe('npm start', () => {
  const ready = "process.send?.('ready');\nprocess.once('SIGTERM', () => process.exit(0));\nsetInterval(() => {}, 1_000);\n";
  const buildSaying = (rest: string): string => `
    import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
    import { getPriority } from 'node:os';
    const folder = 'dist-' + process.pid;
    mkdirSync(folder);
    writeFileSync(folder + '/said', JSON.stringify([process.pid, getPriority()]));
    ${rest}
  `;

  test.beforeEach(async () => {
    await writeFile(at('src/cli/cli.ts'), ready);
  });

  test('builds in the background at a low priority, once it is ready', { timeout: 150_000 }, async () => {
    await writeFile(at('build/build.ts'), buildSaying("renameSync(folder, 'dist');"));
    await using started = start();
    const [, priority] = JSON.parse(await contentOf('dist/said'));
    expect(priority).toBe(Math.max(getPriority(), 10));
    expect(await started.stop()).toEqual({ code: 0, said: '' });
  });

  test('that ends before its build ends the build, and removes what the build wrote', { timeout: 150_000 }, async () => {
    await writeFile(at('build/build.ts'), buildSaying("renameSync(folder + '/said', 'said');\nsetInterval(() => {}, 1_000);"));
    await using started = start();
    const [pid] = JSON.parse(await contentOf('said'));
    expect(existsSync(at(`dist-${pid}`))).toBe(true);
    expect(await started.stop()).toEqual({ code: 0, said: '' });
    expect(existsSync(at(`dist-${pid}`))).toBe(false);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test('says that a build failed, and goes on', { timeout: 150_000 }, async () => {
    await writeFile(at('build/build.ts'), 'process.exit(3);\n');
    await using started = start();
    await expect
      .poll(() => started.said(), { timeout: 120_000 })
      .toMatch(/^sequent: the build .* failed; run "npm run build" to see why\n$/);
    expect((await started.stop()).code).toBe(0);
  });

  test('builds nothing when the build is current, nor with SEQUENT_BUILD=off', async () => {
    await writeFile(at('build/build.ts'), '');
    const starts = (): boolean => buildInBackground({ root: clone, say: () => {} });
    expect(starts()).toBe(true);
    vi.stubEnv('SEQUENT_BUILD', 'off');
    expect(starts()).toBe(false);
    vi.unstubAllEnvs();
    await build();
    expect(starts()).toBe(false);
    await rm(at('src/cli/old.ts'));
    expect(starts()).toBe(true);
  });
});

type Ended = { code: number | null; said: string };

function start(): AsyncDisposable & { said(): string; stop(): Promise<Ended> } {
  const child = spawn(process.execPath, [at('src/main/start.mjs')], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => ({ code, said }) as Ended);
  const stop = async (): Promise<Ended> => {
    child.kill('SIGTERM');
    return await ended;
  };
  return {
    said: () => said,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

async function contentOf(path: string): Promise<string> {
  await expect.poll(() => readFile(at(path), 'utf8').catch(() => ''), { timeout: 120_000 }).not.toBe('');
  return await readFile(at(path), 'utf8');
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
