import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { npmSettings } from '#test/support/cli/passed-on.ts';
import { canMount } from './stage.ts';

const run = promisify(execFile);
const checkout = new URL('../../..', import.meta.url).pathname;
const env = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_loglevel: 'error',
  npm_config_prefer_offline: 'true',
  npm_config_update_notifier: 'false',
  ...npmSettings,
};

/**
 * The words before a command that sees an empty folder in place of the checkout, so that no file of the repository can be reached. None where
 * no mount namespace can be opened.
 */
export const withoutCheckout: readonly string[] = canMount
  ? ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none "$0" && exec "$@"', checkout]
  : [];

/** The packed package, in a folder outside of the checkout. Disposal removes the folder with all consumers. */
export interface PackedSequent extends AsyncDisposable {
  readonly folder: string;
  readonly tarball: string;
  /** Installs the package for all users of a prefix; resolves to the folder of the package. */
  installGlobally(): Promise<string>;
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

/** Builds and packs the checkout. */
export async function packSequent(): Promise<PackedSequent> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-package-'));
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: checkout, env });
  const tarball = join(folder, (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '');
  const installed = join(folder, 'installed');
  return {
    folder,
    tarball,
    async installGlobally() {
      const prefix = join(folder, 'global');
      await run('npm', ['install', '--global', '--prefix', prefix, tarball], { cwd: folder, env });
      return join(prefix, 'lib/node_modules/sequent-functions');
    },
    async installLocally(tools) {
      await mkdir(installed);
      await writeFile(join(installed, 'package.json'), '{ "private": true }');
      await run('npm', ['install', tarball, ...tools], { cwd: installed, env });
    },
    async consumer(name, files) {
      const own = join(folder, name);
      await mkdir(own);
      await symlink(join(installed, 'node_modules'), join(own, 'node_modules'));
      for (const [file, content] of Object.entries(files)) await writeFile(join(own, file), content);
      return { folder: own, run: async (program, args) => await outputOf(program, args, own) };
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function outputOf(program: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const [command = '', ...words] = [...withoutCheckout, program, ...args];
    const { stdout } = await run(command, words, { cwd, env });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** The path of the newest Node of the newest LTS line. */
export async function newestLtsNode(): Promise<string> {
  const { stdout } = await run(join(checkout, '.ci/newest-lts-node'), [], { env });
  return stdout.trim();
}
