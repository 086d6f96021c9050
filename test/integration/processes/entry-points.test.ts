import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { linkPackages, writeCloneStandIn } from '#test/support/cli/processes/clone-stand-in.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

const checkout = new URL('../../..', import.meta.url).pathname;

const slowToStop = `
  process.once('SIGTERM', () => setTimeout(() => process.exit(42), 200));
  setInterval(() => {}, 1_000);
  process.stdout.write(String(process.pid));
`;

/** A clone with the real entry points, a stand-in of the command line, and an npm whose `ci` only links the packages of this checkout. */
let clone: string;

test.beforeEach(async ({ folder }) => {
  clone = folder;
  await writeCloneStandIn(clone);
  await mkdir(join(clone, 'bin'));
  await writeFile(
    join(clone, 'bin/npm'),
    `#!/bin/sh\necho "$@" >> ${clone}/npm.log; echo noise; ln -sfn ${checkout}node_modules ${clone}/node_modules; exit $NPM_EXIT_CODE\n`,
    { mode: 0o755 },
  );
});

describe('npm start', () => {
  test('serves with a server of its own and the examples, and forwards the arguments of the user', async () => {
    await linkPackages(clone);
    const { stdout, stderr, status } = run('start', ['--data', 'x y']);
    expect({ args: JSON.parse(stdout), stderr, status }).toEqual({
      args: ['serve', '--start-server', '--deploy-examples', '--data', 'x y'],
      stderr: '',
      status: 0,
    });
  });

  test('installs missing dependencies first, once, in one line and with nothing on stdout', async () => {
    const first = run('start');
    expect(first.stderr).toBe(`sequent: the npm packages are not installed; running "npm ci" in ${clone}/\nnoise\n`);
    expect(JSON.parse(first.stdout)).toContain('serve');
    expect(run('start').stderr).toBe('');
    expect(await readFile(join(clone, 'npm.log'), 'utf8')).toBe('ci --ignore-scripts --no-audit --no-fund\n');
  });

  test('installs again when package-lock.json is newer than the installed packages', async () => {
    await linkPackages(clone);
    const tomorrow = Date.now() / 1_000 + 86_400;
    await utimes(join(clone, 'package-lock.json'), tomorrow, tomorrow);
    expect(run('start').stderr).toContain('sequent: the npm packages are older than package-lock.json; running "npm ci"');
  });

  test('ends with the exit code of an npm ci that failed', () => {
    const { stdout, stderr, status } = run('start', [], { NPM_EXIT_CODE: '3' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 3 });
    expect(stderr).toContain('sequent: "npm ci" failed');
  });

  test('that gets SIGTERM waits for the command line, ends with its exit code, and leaves no process', async () => {
    await linkPackages(clone);
    await writeFile(join(clone, 'src/cli/cli.ts'), slowToStop);
    const npm = spawn('npm', ['start', '--silent'], { cwd: clone, stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid] = await once(npm.stdout, 'data');
    npm.kill('SIGTERM');
    expect(await once(npm, 'exit')).toEqual([42, null]);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });

  test('says which Node it needs when this one is too old', () => {
    const old = "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.18.3'}})";
    const { stderr, status } = run('start', [], { NODE_OPTIONS: `--import=${old}` });
    expect({ stderr, status }).toEqual({ stderr: 'sequent: Sequent needs Node 20.19 or newer, and this is Node 20.18.3\n', status: 1 });
  });
});

describe('the sequent command', () => {
  test.beforeEach(async () => {
    await linkPackages(clone);
  });

  test('runs in the working directory of the user, and ignores a tsconfig.json there', async () => {
    await mkdir(join(clone, 'elsewhere'));
    await writeFile(join(clone, 'elsewhere/tsconfig.json'), '{ not json');
    const { stdout, status } = run('sequent', ['invoke', 'f'], { cwd: join(clone, 'elsewhere') });
    expect({ args: JSON.parse(stdout), status }).toEqual({ args: ['invoke', 'f'], status: 0 });
  });

  test('is one process: a signal reaches the command line itself, and the command ends with its exit code', async () => {
    await writeFile(join(clone, 'src/cli/cli.ts'), slowToStop);
    const sequent = spawn(process.execPath, [join(clone, 'src/main/sequent.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid] = await once(sequent.stdout, 'data');
    expect(Number(pid)).toBe(sequent.pid);
    sequent.kill('SIGTERM');
    expect(await once(sequent, 'exit')).toEqual([42, null]);
  });
});

describe('npm test', () => {
  const needed = 'python3-moto python3-flask-cors python3 openssl zsh fish';
  const withoutBrowser =
    'sequent: the tests of the pages are skipped, because they need a browser; as root: apt-get install -y --no-install-recommends chromium-headless-shell';

  test.beforeEach(async () => {
    await linkPackages(clone);
    // An apt-get that logs its arguments, and whose \`install\` makes every command of the packages.
    await writeFile(
      join(clone, 'bin/apt-get'),
      `#!/bin/sh
echo "$@" >> ${clone}/apt.log
case "$*" in *install*) for name in $APT_COMMANDS; do /bin/cp /bin/true ${clone}/bin/$name; done; esac\n`,
      { mode: 0o755 },
    );
  });

  test('names each missing package and its purpose, then installs all but the browser with apt-get', async () => {
    const { said, status } = runWithoutTools('test', ['--passWithNoTests'], {
      uid: 0,
      APT_COMMANDS: 'moto_server python3 openssl zsh fish',
    });
    expect(said).toEqual([
      'sequent: the tests need programs that npm does not install:',
      'sequent:   python3-moto python3-flask-cors: an S3 service for the tests of OBS and of the archive',
      'sequent:   python3: the interpreter for the tests of functions in Python',
      'sequent:   openssl: certificates for the tests of HTTPS destinations',
      'sequent:   zsh fish: the shells for the tests of the completion',
      `sequent: running "apt-get install -y --no-install-recommends ${needed}"`,
      withoutBrowser,
    ]);
    expect(await readFile(join(clone, 'apt.log'), 'utf8')).toBe(`update -qq\n-qq install -y --no-install-recommends ${needed}\n`);
    expect(status).toBe(0);
  });

  test('installs the browser too with CI=true, and nothing when nothing is missing', () => {
    const all = 'chromium-headless-shell moto_server python3 openssl zsh fish nats-server docker-compose go spin gcc';
    const { said } = runWithoutTools('test', ['--passWithNoTests'], { uid: 0, APT_COMMANDS: all, CI: 'true' });
    expect(said).toContain('sequent:   chromium-headless-shell: the browser for the tests of the pages');
    expect(runWithoutTools('test', ['--passWithNoTests'], { uid: 0 }).said).toEqual([]);
    expect(runWithoutTools('test', ['--passWithNoTests'], { uid: 0, CI: 'true' }).said).toEqual([]);
  });

  test('of a user who is not root installs nothing, prints the command to run, and goes on', () => {
    const { said, status } = runWithoutTools('test', ['--passWithNoTests'], { uid: 1_000, APT_COMMANDS: 'chromium-headless-shell' });
    const install = `apt-get install -y --no-install-recommends ${needed}`;
    expect(said).toEqual([
      `sequent: some tests will fail or are skipped without these Debian packages; as root: ${install}`,
      withoutBrowser,
    ]);
    expect(status).toBe(0);
  });

  test('shares its list with CI, which needs five more programs and fails without them', () => {
    const all = 'chromium-headless-shell moto_server python3 openssl zsh fish nats-server docker-compose go spin gcc';
    const allButOne = 'chromium-headless-shell moto_server python3 openssl zsh fish docker-compose go spin gcc';
    const failed = runWithoutTools('install', [], { uid: 0, APT_COMMANDS: allButOne });
    expect(failed.said.at(-1)).toContain('as root: apt-get install -y --no-install-recommends nats-server');
    expect(failed.status).toBe(1);
    expect(runWithoutTools('install', [], { uid: 0, APT_COMMANDS: all }).status).toBe(0);
  });
});

/** Runs a script as a user with this id, on a machine whose PATH has the stand-ins of the clone only. */
function runWithoutTools(
  script: string,
  args: string[],
  { uid, ...env }: { uid: number; APT_COMMANDS?: string; CI?: string },
): { said: string[]; status: number | null } {
  const asUser = `data:text/javascript,process.getuid=()=>${uid}`;
  const { stderr, status } = run(script, args, { PATH: join(clone, 'bin'), NODE_OPTIONS: `--import=${asUser}`, ...env });
  return { said: stderr.split('\n').filter((line) => line.startsWith('sequent:')), status };
}

const YOUNG_BYTES = 128 * 2 ** 20;

/** Allocates until the young generation has the size, at most 400 million objects, and prints its size. V8 alone decides when it grows. */
const fillYoungGeneration = `
  import { getHeapSpaceStatistics } from 'node:v8';
  const youngBytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
  const kept: unknown[] = [];
  for (let i = 0; i < 400_000_000 && (i % 400_000 > 0 || youngBytes() < ${YOUNG_BYTES}); i++) kept[i % 400_000] = { i };
  process.stdout.write(String(youngBytes()));
`;

test.for([
  ['npm start', 'npm', ['start', '--silent']],
  ['the sequent command', 'src/main/sequent.mjs', []],
] as const)('%s has a young generation of twice 64 MB, which executions need', async ([, command, args]) => {
  await linkPackages(clone);
  await writeFile(join(clone, 'src/cli/cli.ts'), fillYoungGeneration);
  const program = command.includes('/') ? join(clone, command) : command;
  const { stdout } = spawnSync(program, args, { cwd: clone, encoding: 'utf8', env: { PATH: process.env.PATH } });
  process.stdout.write(`young generation: ${Number(stdout) / 2 ** 20} MB by ${command}\n`);
  expect(Number(stdout)).toBeGreaterThanOrEqual(YOUNG_BYTES);
});

function run(script: string, args: string[] = [], { cwd = clone, ...env }: Record<string, string> = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [join(clone, `src/main/${script}.mjs`), ...args], {
    cwd,
    encoding: 'utf8',
    env: { PATH: `${join(clone, 'bin')}:${process.env.PATH}`, NPM_EXIT_CODE: '0', ...env },
  });
}
