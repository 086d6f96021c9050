import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { npmSettings } from '#test/support/cli/passed-on.ts';
import { cloneRepository, givePackages } from '#test/support/cli/processes/npm-start.ts';
import { runWhileProgressing } from './run-while-progressing.ts';
import { canMount } from './stage.ts';

const run = promisify(execFile);
const checkout = new URL('../../..', import.meta.url).pathname;

/**
 * npm takes no version that is newer than the last commit of the lock file, so that a new version of a dependency turns no test red.
 * `SEQUENT_TEST_UNLOCKED=1` takes the newest.
 */
async function limitOfVersions(): Promise<Record<string, string>> {
  if (process.env.SEQUENT_TEST_UNLOCKED === '1') return {};
  const { stdout } = await run('git', ['log', '-1', '--format=%cI', '--', 'package-lock.json'], { cwd: checkout });
  return { npm_config_before: stdout.trim() };
}

async function environment(): Promise<Record<string, string>> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_loglevel: 'error',
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
    ...(await limitOfVersions()),
    ...npmSettings,
  };
}

/**
 * The words before a command that sees an empty folder in place of the checkout, so that no file of the repository can be reached. None where
 * no mount namespace can be opened.
 */
export const withoutCheckout: readonly string[] = canMount
  ? ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none "$0" && exec "$@"', checkout]
  : [];

/** A clone of the repository that npm packed, so that the clone holds a build of its sources. */
type PackedClone = { clone: string; tarball: string };

/** The packed package, in a folder outside of the checkout. Disposal removes the folder with all consumers. */
export interface PackedSequent extends PackedClone, AsyncDisposable {
  readonly folder: string;
  /** Packs another clone, in a folder of another depth and with files of another time; resolves to the unpacked tarballs of both. */
  packAgain(): Promise<{ first: Unpacked; second: Unpacked }>;
  /** Installs the package for all users of a prefix; resolves to the folder of the package. */
  installGlobally(): Promise<string>;
  /** Installs a package beside it, for all users of the prefix. */
  addGlobally(name: string): Promise<void>;
  /** Installs the package and these tools in a folder. Consumers see its packages. */
  installLocally(tools: readonly string[]): Promise<void>;
  /** A folder of an application with these files, which sees the packages of `installLocally`. */
  consumer(name: string, files: Readonly<Record<string, string>>): Promise<Consumer>;
}

interface Consumer {
  readonly folder: string;
  /** Runs a program in the folder, without the checkout; resolves to what it printed. Rejects with its output when it fails. */
  run(program: string, args: readonly string[]): Promise<string>;
}

/** The content of a tarball, as bytes and as files. */
type Unpacked = { bytes: Buffer; files: string };

/** Clones the repository, as far as it is committed, and packs the clone. */
export async function packSequent(): Promise<PackedSequent> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-package-'));
  const first = await packClone(join(folder, 'packed'), '2026-01-01T00:00:00Z');
  const installed = join(folder, 'installed');
  const prefix = join(folder, 'global');
  const addGlobally = async (name: string): Promise<void> =>
    void (await runWhileProgressing('npm', ['install', '--global', '--prefix', prefix, name], { cwd: folder, env: await environment() }));
  return {
    folder,
    ...first,
    async packAgain() {
      const second = await packClone(join(folder, 'in/another/folder'), '2026-06-30T12:34:56Z');
      return { first: await unpack(first), second: await unpack(second) };
    },
    async installGlobally() {
      await addGlobally(first.tarball);
      return join(prefix, 'lib/node_modules/sequent-functions');
    },
    addGlobally,
    async installLocally(tools) {
      await mkdir(installed);
      await writeFile(join(installed, 'package.json'), '{ "private": true }');
      await runWhileProgressing('npm', ['install', first.tarball, ...tools], { cwd: installed, env: await environment() });
    },
    async consumer(name, files) {
      const own = join(folder, name);
      await mkdir(own);
      await symlink(join(installed, 'node_modules'), join(own, 'node_modules'));
      for (const [file, content] of Object.entries(files)) await writeFile(join(own, file), content);
      return {
        folder: own,
        async run(program, args) {
          const [command = '', ...words] = [...withoutCheckout, program, ...args];
          return await runWhileProgressing(command, words, { cwd: own, env: await environment() });
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Clones the repository with its packages, gives every file a time, and packs the clone. */
async function packClone(folder: string, time: string): Promise<PackedClone> {
  const clone = join(folder, 'clone');
  await mkdir(folder, { recursive: true });
  await cloneRepository(clone);
  await givePackages(clone);
  await run('find', ['.', '-path', './node_modules', '-prune', '-o', '-exec', 'touch', '-h', '-d', time, '{}', '+'], { cwd: clone });
  await runWhileProgressing('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: clone, env: await environment() });
  return { clone, tarball: join(folder, (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '') };
}

async function unpack({ tarball }: PackedClone): Promise<Unpacked> {
  const files = join(tarball, '../unpacked');
  await mkdir(files);
  await run('tar', ['-xzf', tarball, '-C', files]);
  return { bytes: await readFile(tarball), files };
}

/** The path of the newest Node of the newest LTS line. */
export async function newestLtsNode(): Promise<string> {
  const { stdout } = await run(join(checkout, '.ci/newest-lts-node'), [], { env: await environment() });
  return stdout.trim();
}
