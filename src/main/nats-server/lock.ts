import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TimedOutError } from '#src/core/errors.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/*
 * A lock between processes on one machine, made of files alone, because Node has no flock.
 *
 * L-1  A holder owns the generation file with the highest number; it got it by creating it exclusively.
 * L-2  A generation is free when its file says so, when its process is gone, or when it is older than any use takes.
 * L-3  A generation is followed, never reused: of two processes that find it free, one creates the next.
 * L-4  A file is only removed once a higher one exists. So who creates a number from an old listing sees the higher one.
 */

const FREE = 'free';
const LONGEST_USE_IN_MS = 180_000;
const LONGEST_CREATION_IN_MS = 5_000;
const POLL_IN_MS = 20;

/** Runs `use` while no other process (and no other caller in this one) holds the lock of the folder. */
export async function withLock<Result>(folder: string, use: () => Promise<Result>, waitInMs = 120_000): Promise<Result> {
  await mkdir(folder, { recursive: true });
  const deadline = Date.now() + waitInMs;
  let file = await tryToLock(folder);
  while (file === undefined) {
    if (Date.now() > deadline) throw new TimedOutError({ what: `the lock on ${folder}`, afterMs: waitInMs });
    await systemClock.sleep(POLL_IN_MS);
    file = await tryToLock(folder);
  }
  try {
    return await use();
  } finally {
    await writeFile(file, FREE);
  }
}

async function tryToLock(folder: string): Promise<string | undefined> {
  const highest = (await generations(folder)).at(-1) ?? 0;
  if (highest > 0 && !(await isFree(fileOf(folder, highest)))) return undefined;
  const mine = highest + 1;
  if (!(await createExclusively(fileOf(folder, mine)))) return undefined;
  const now = await generations(folder);
  if (now.some((other) => other > mine)) {
    await rm(fileOf(folder, mine), { force: true });
    return undefined;
  }
  await Promise.all(now.filter((other) => other < mine).map((other) => rm(fileOf(folder, other), { force: true })));
  return fileOf(folder, mine);
}

async function isFree(file: string): Promise<boolean> {
  try {
    const content = await readFile(file, 'utf8');
    const ageInMs = Date.now() - (await stat(file)).mtimeMs;
    if (content === FREE || ageInMs > LONGEST_USE_IN_MS) return true;
    return content === '' ? ageInMs > LONGEST_CREATION_IN_MS : !isAlive(Number(content));
  } catch {
    // Removed meanwhile: somebody followed it, and the next listing says who.
    return false;
  }
}

async function createExclusively(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(String(process.pid)).finally(() => handle.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function generations(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).map((name) => Number(/^lock\.(\d+)$/.exec(name)?.[1] ?? 0));
  return numbers.filter((number) => number > 0).sort((a, b) => a - b);
}

function fileOf(folder: string, generation: number): string {
  return join(folder, `lock.${generation}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
