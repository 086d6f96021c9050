import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { runCli, type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { BUILT } from '#test/support/cli/command-line.ts';
import { openReceiver, type Receiver, type Reply } from '#test/support/destinations/receiver.ts';
import { argumentsOf } from '#test/support/documented-commands.ts';
import { type Block, fileOf, root } from './blocks.ts';

/** The folder of the installed package, and the folder with its command `sequent`. */
export type Installed = { library: string; bin: string };

/** A reader who installed the package and runs `npm start` in a folder, with receivers for what the documents send. */
export interface Reader extends AsyncDisposable {
  readonly installed: Installed;
  readonly sequent: ServedSequent;
  /** Answers 200. */
  readonly receiver: Receiver;
  /** Answers as the test says. */
  readonly gone: Receiver;
  /** The folder with the data of the server in `.sequent`. The reader works in folders below. */
  readonly home: string;
  /** The environment of a command. It has no address and no key of the server: commands find it, and programs get it from `sequent env`. */
  readonly env: Readonly<Record<string, string>>;
}

/** `serve` has further options of the server, and may prepare what they name in the home of the reader. */
export async function openReader(installed: Installed, gone: Reply, serve: (home: string) => Promise<string[]>): Promise<Reader> {
  const before = process.env[BUILT];
  // Commands that run in this process come from the package too.
  process.env[BUILT] = join(installed.library, 'dist');
  const receivers = { receiver: await openReceiver(), gone: await openReceiver(gone) };
  const home = mkdtempSync(join(tmpdir(), 'sequent-reader-'));
  const sequent = await serveSequent(['--http-port', '0', ...(await serve(home))], join(home, '.sequent'));
  return {
    installed,
    sequent,
    ...receivers,
    home,
    env: {
      PATH: `${installed.bin}:${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: home,
      // The gateway of a test listens on no fixed port.
      SEQUENT_HTTP: /http (http:\S+)/.exec(sequent.output.stdout)?.[1] ?? '',
      SLACK_URL: receivers.receiver.url,
      RECEIVER_URL: `${receivers.gone.url}/shipped`,
    },
    async [Symbol.asyncDispose]() {
      for (const part of [sequent, receivers.gone, receivers.receiver]) await part[Symbol.asyncDispose]();
      if (before === undefined) delete process.env[BUILT];
      else process.env[BUILT] = before;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A folder as a reader has it: the files of a document, and what its `npm install` installs. */
export function folderOf({ home, installed }: Reader, blocks: readonly Block[]): string {
  const folder = mkdtempSync(join(home, 'folder-'));
  for (const block of blocks) {
    const file = fileOf(block);
    if (file === undefined) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), block.content);
  }
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  symlinkSync(installed.library, join(modules, 'sequent-functions'));
  for (const name of ['@huaweicloud', 'zod']) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  // A project of today has ES modules, also where a recipe has a CommonJS file in a folder of its own.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'recipe', type: 'module' }));
  return folder;
}

const run = promisify(execFile);

/** A command without anything that only a shell understands, apart from single quotes. */
const plainCommand = /^sequent (?:'[^']*'|[\w\s=:.,@/!-])*$/;

/** Runs a command as the reader types it: in a shell, or in this process when no shell is needed. */
export async function outputOf(command: string, cwd: string, { env }: Pick<Reader, 'env'>): Promise<string> {
  const { stdout, stderr } = plainCommand.test(command)
    ? await runCli(argumentsOf(command.replace(/^sequent /, '')), { cwd, env })
    : await run('bash', ['-ec', command], { cwd, env }).catch((error: { stdout: string; stderr: string }) => error);
  return stdout + stderr;
}
