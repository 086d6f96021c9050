import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { type Release, releaseFor } from '#src/main/nats-server/archive.ts';
import { ServerNotFoundError } from '#src/main/nats-server/errors.ts';
import { type FetchOptions, fetchServer, IMAGE } from '#src/main/nats-server/fetch.ts';
import { cachedServer, findServer, isNewEnough } from '#src/main/nats-server/find.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

/** A stand-in of a machine: its PATH, cache and system folders hold only the files of a test. */
let machine: string;
let env: Record<string, string>;
let said: string[];

test.beforeEach(async ({ folder }) => {
  machine = folder;
  env = { PATH: join(machine, 'bin'), HOME: join(machine, 'home') };
  said = [];
  await mkdir(join(machine, 'bin'));
});

describe('findServer', () => {
  test('searches NATS_SERVER_BIN, PATH, the system folders and the cache, in this order', async () => {
    const files = [join(machine, 'named'), join(machine, 'bin', 'nats-server'), join(machine, 'sbin', 'nats-server'), cachedServer(env)];
    for (const [index, bin] of files.entries()) await install(bin, `nats-server: v2.1${index}.0`);
    for (const [index, bin] of files.entries()) {
      expect(await find(index === 0 ? { NATS_SERVER_BIN: bin } : {})).toEqual({ bin, version: `2.1${index}.0` });
      await rm(bin);
    }
    expect(await find()).toBeUndefined();
  });

  test('skips files that are too old, not executable, or another program', async () => {
    await install(join(machine, 'bin', 'nats-server'), 'nats-server: v2.9.25');
    await install(join(machine, 'sbin', 'nats-server'), 'I am a teapot');
    await install(cachedServer(env), 'nats-server: v2.12.15');
    expect(await find()).toEqual({ bin: cachedServer(env), version: '2.12.15' });
    await chmod(cachedServer(env), 0o644);
    expect(await find()).toBeUndefined();
  });

  test('does not skip an unusable NATS_SERVER_BIN, and says why it is unusable', async () => {
    const old = join(machine, 'old');
    await install(old, 'nats-server: v2.9.25');
    await expect(find({ NATS_SERVER_BIN: old })).rejects.toThrow(
      `NATS_SERVER_BIN names "${old}", which cannot be used: its version is 2.9.25`,
    );
    await expect(find({ NATS_SERVER_BIN: join(machine, 'nowhere') })).rejects.toThrow('ENOENT');
  });

  test('honours XDG_CACHE_HOME', () => {
    expect(cachedServer({ HOME: '/home/me' })).toBe('/home/me/.cache/sequent/nats-server-2.12.15');
    expect(cachedServer({ HOME: '/home/me', XDG_CACHE_HOME: '/cache' })).toBe('/cache/sequent/nats-server-2.12.15');
  });

  test.for([
    ['2.10.0', true],
    ['2.10.27', true],
    ['2.10.27-1+b2', true],
    ['2.12.0-RC.1', true],
    ['3.0.0', true],
    ['2.9.25', false],
    ['1.99.0', false],
    ['(none)', false],
  ] as const)('a version %s is new enough: %s', ([version, expected]) => {
    expect(isNewEnough(version)).toBe(expected);
  });
});

test('the version that Sequent fetches is the one of docker-compose.yml', async () => {
  const composition = await readFile(new URL('../../../docker-compose.yml', import.meta.url), 'utf8');
  expect(composition).toContain(`image: ${IMAGE}\n`);
});

test('each download is named by its content: the image by a digest, a release by a SHA-256', () => {
  expect(IMAGE).toMatch(/^nats:[\d.]+-alpine@sha256:[0-9a-f]{64}$/);
  const platforms = ['linux', 'darwin', 'win32', 'freebsd'].flatMap((platform) =>
    ['x64', 'arm64', 'arm'].map((arch) => ({ platform, arch })),
  );
  const releases = platforms.flatMap(({ platform, arch }) => releaseFor(platform, arch) ?? []);
  expect(releases.length).toBeGreaterThan(0);
  expect(releases.filter(({ sha256 }) => !/^[0-9a-f]{64}$/.test(sha256))).toEqual([]);
});

describe('fetchServer, as root on Debian', () => {
  test('prints one line, then installs the package', async () => {
    await installAptGet({ candidate: '2.10.27-1+b2', version: '2.10.27' });
    expect(await fetchHere({ isRoot: true })).toEqual({ bin: join(machine, 'bin', 'nats-server'), version: '2.10.27' });
    expect(said).toEqual([expect.stringMatching(/^no nats-server was found: running "apt-get install -y nats-server" /)]);
    expect(await readFile(join(machine, 'apt-get.log'), 'utf8')).toBe(
      'noninteractive update\nnoninteractive install -y --no-install-recommends -o DPkg::Lock::Timeout=60 nats-server\n',
    );
  });

  test('does not install a package that is too old, and says so', async () => {
    await installAptGet({ candidate: '2.9.10-1', version: '2.9.10' });
    const failure = await fetchHere({ isRoot: true }).catch((error: unknown) => error);
    expect(String(failure)).toContain('the available version is 2.9.10-1');
    expect(await readFile(join(machine, 'apt-get.log'), 'utf8')).toBe('noninteractive update\n');
  });
});

describe('fetchServer, elsewhere', () => {
  test('uses Homebrew on macOS', async () => {
    await script(
      'brew',
      `printf '#!/bin/sh\\necho nats-server: v2.14.5\\n' > ${machine}/bin/nats-server; /bin/chmod +x ${machine}/bin/nats-server`,
    );
    expect(await fetchHere({ platform: 'darwin', arch: 'arm64' })).toMatchObject({ version: '2.14.5' });
    expect(said).toEqual(['no nats-server was found: running "brew install nats-server"']);
  });

  test('copies the binary out of the Docker image, and leaves no container', async () => {
    await script(
      'docker',
      `echo "$@" >> ${machine}/docker.log
       case "$1" in
         create) echo 0123abcd ;;
         cp) printf '#!/bin/sh\\necho nats-server: v2.12.15\\n' > "$3" ;;
       esac`,
    );
    expect(await fetchHere({})).toEqual({ bin: cachedServer(env), version: '2.12.15' });
    const calls = (await readFile(join(machine, 'docker.log'), 'utf8')).trim().split('\n');
    expect(calls).toEqual([`create ${IMAGE}`, expect.stringMatching(/^cp 0123abcd:\/usr\/local\/bin\/nats-server /), 'rm 0123abcd']);
  });
});

describe('fetchServer, from the release archive', () => {
  let files: Server;
  let served: Buffer;
  let requested: string[];

  beforeEach(async () => {
    requested = [];
    files = createServer((request, response) => {
      requested.push(request.url ?? '');
      response.end(served);
    }).listen(0, '127.0.0.1');
    await once(files, 'listening');
    env.SEQUENT_NATS_DOWNLOAD_URL = `http://127.0.0.1:${(files.address() as { port: number }).port}/releases`;
    // Unpacking needs the machine's own tar.
    env.PATH = `${env.PATH}:/usr/bin:/bin`;
    served = await archiveOf('nats-server-v2.12.15-linux-amd64', 'nats-server: v2.12.15');
  });

  afterEach(() => {
    files.close();
  });

  test('downloads the pinned release into the cache when its checksum is right, and then finds it there', async () => {
    const release = { name: 'nats-server-v2.12.15-linux-amd64', sha256: createHash('sha256').update(served).digest('hex') };
    expect(await download(release)).toEqual({ bin: cachedServer(env), version: '2.12.15' });
    expect(requested).toEqual(['/releases/v2.12.15/nats-server-v2.12.15-linux-amd64.tar.gz']);
    expect(said).toEqual([
      `no nats-server was found: downloading ${env.SEQUENT_NATS_DOWNLOAD_URL}${requested[0]?.slice('/releases'.length)} to ${cachedServer(env)}`,
    ]);
    expect(await readdir(dirname(cachedServer(env)))).toEqual(['nats-server-2.12.15']);
    expect(await find()).toMatchObject({ version: '2.12.15' });
  });

  test('refuses an archive with another checksum than the pinned one, before unpacking any of it', async () => {
    const failure = await download(releaseFor('linux', 'x64')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServerNotFoundError);
    expect(String(failure)).toMatch(
      /has the SHA-256 [0-9a-f]{64} instead of 58ab8131f819263897e2fc38e503e1b755b63bcafeecc7d12582487df48ca15e/,
    );
    await expect(readdir(dirname(cachedServer(env)))).rejects.toThrow('ENOENT');
  });

  async function download(release: Release | undefined) {
    return await fetchServer({
      env,
      systemFolders: [],
      platform: 'linux',
      arch: 'x64',
      isRoot: false,
      release,
      say: (line) => said.push(line),
    });
  }
});

describe('fetchServer, when every method fails', () => {
  test.for([
    ['linux', 'sudo apt-get install -y nats-server'],
    ['darwin', 'brew install nats-server'],
    ['win32', 'scoop install nats-server'],
  ] as const)('on %s ends with exit code 6 and the commands that help', async ([platform, command]) => {
    const failure = await fetchHere({ platform }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'NATS_SERVER_NOT_FOUND', exitCode: 6 });
    for (const help of [command, 'docker run ', 'NATS_URL', 'NATS_SERVER_BIN']) expect(String(failure)).toContain(help);
  });
});

async function find(more: Record<string, string> = {}) {
  return await findServer({ env: { ...env, ...more }, systemFolders: [join(machine, 'sbin')] });
}

/** Has no release, so that no test downloads the real one. */
async function fetchHere(options: FetchOptions) {
  const say = (line: string): void => void said.push(line);
  return await fetchServer({ env, systemFolders: [], platform: 'linux', arch: 'riscv64', isRoot: false, say, ...options });
}

async function script(name: string, body: string): Promise<void> {
  await install(join(machine, 'bin', name), undefined, body);
}

async function install(file: string, says: string | undefined, body = `echo "${says}"`): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

async function installAptGet({ candidate, version }: { candidate: string; version: string }): Promise<void> {
  const server = join(machine, 'bin', 'nats-server');
  await script('apt-cache', `printf 'nats-server:\\n  Installed: (none)\\n  Candidate: ${candidate}\\n'`);
  await script(
    'apt-get',
    `echo "$DEBIAN_FRONTEND $@" >> ${machine}/apt-get.log
     if [ "$1" = install ]; then printf '#!/bin/sh\\necho nats-server: v${version}\\n' > ${server}; /bin/chmod +x ${server}; fi`,
  );
}

async function archiveOf(name: string, says: string): Promise<Buffer> {
  await install(join(machine, 'release', name, 'nats-server'), says);
  execFileSync('tar', ['-czf', 'release.tar.gz', '-C', 'release', name], { cwd: machine });
  return await readFile(join(machine, 'release.tar.gz'));
}
