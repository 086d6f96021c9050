import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SIZE_IN_MB = 192;
const UNMOUNT_WITHIN_MS = 20_000;

/**
 * An ext4 file system on a loop device, whose power can be cut.
 *
 * The backing file is the disk: it holds what was synced or written back, and nothing else. Needs root and loop devices, and no module
 * that a kernel of a distribution lacks.
 */
export interface CuttableDisk extends AsyncDisposable {
  /** The folder in which the file system is mounted. */
  readonly path: string;
  /** Writes everything to the disk. */
  sync(): Promise<void>;
  /** Whether the disk itself holds these bytes. */
  holds(text: string): Promise<boolean>;
  /** Drops everything that is not on the disk. No process may have a file open. */
  cut(): Promise<void>;
}

/** Why this machine has no cuttable disk; `undefined` when it has one. */
export const whyNoDisk: string | undefined =
  process.platform !== 'linux' || process.getuid?.() !== 0 ? 'a file system can be mounted only by root on Linux' : undefined;

export async function openCuttableDisk(): Promise<CuttableDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-disk-'));
  const path = join(folder, 'mounted');
  let disk = join(folder, 'disk-0');
  await mkdir(path);
  const file = await open(disk, 'w');
  await file.truncate(SIZE_IN_MB * 1_048_576);
  await file.close();
  await run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', disk]);
  await mount();

  /** The journal is committed by an fsync, and otherwise not during a test. */
  async function mount(): Promise<void> {
    await run('mount', ['-o', 'loop,commit=600', disk, path]);
  }

  /** A process that was killed keeps its files open for a moment after its end can be seen. */
  async function unmount(): Promise<void> {
    for (const deadline = performance.now() + UNMOUNT_WITHIN_MS; ; ) {
      try {
        await run('umount', [path]);
        return;
      } catch (error) {
        if (performance.now() > deadline || !String(error).includes('busy')) throw error;
        await sleep(50);
      }
    }
  }

  let cuts = 0;
  return {
    path,
    async sync() {
      await run('sync', ['-f', path]);
    },
    holds: async (text) => (await readFile(disk)).includes(text),
    async cut() {
      const next = join(folder, `disk-${++cuts}`);
      // Before the file system is unmounted, which writes everything.
      await run('cp', ['--sparse=always', disk, next]);
      await unmount();
      await rm(disk);
      disk = next;
      await mount();
    },
    async [Symbol.asyncDispose]() {
      await unmount();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
