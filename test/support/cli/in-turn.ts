import { EventEmitter, once } from 'node:events';

/** A command that runs in this process. `words`: its arguments. Commands of one `place` have one working directory and one language. */
type Command = { words: string; place: string; cwd: string; abandonedAfterMs?: number };
type Running = { words: string; startedAt: number };

/** The time after which no test waits for a command any more. It is shorter than the time limit of every test with commands. */
const ABANDONED_AFTER_MS = 45_000;

/** The commands that run now, the oldest first. All of them are of one place. */
const active = { place: '', running: new Set<Running>(), before: '', ended: new EventEmitter().setMaxListeners(0) };

/**
 * Runs a command after the commands of other places, because the working directory and the language belong to the whole process. Commands of
 * one place run side by side.
 *
 * Throws when a command of another place has run for so long that its test gave it up. The process outlives the test file, and without the
 * error every later command of another place would wait for that command until the time limit of its own test.
 */
export async function inTurn<Value>(command: Command, work: () => Promise<Value>): Promise<Value> {
  const { words, place, cwd } = command;
  while (active.place !== place && active.running.size > 0) await untilEnded(command);
  const running = { words, startedAt: performance.now() };
  if (active.running.size === 0) enter(place, cwd);
  active.running.add(running);
  try {
    return await work();
  } finally {
    active.running.delete(running);
    if (active.running.size === 0) leave(cwd);
  }
}

/** Resolves when the running commands have ended, or when the oldest one may be abandoned. */
async function untilEnded({ words, abandonedAfterMs = ABANDONED_AFTER_MS }: Command): Promise<void> {
  const [oldest] = active.running;
  if (oldest === undefined) return;
  const ranForMs = performance.now() - oldest.startedAt;
  if (ranForMs >= abandonedAfterMs) {
    const why = `"sequent ${oldest.words}" has run in this process for ${Math.round(ranForMs / 1_000)} s, in another folder or language`;
    throw new Error(`"sequent ${words}" cannot run: ${why}; run a command that does not end by itself as a process (endAfterMs)`);
  }
  await once(active.ended, 'ended', { signal: AbortSignal.timeout(Math.ceil(abandonedAfterMs - ranForMs)) }).catch(() => {});
}

function enter(place: string, cwd: string): void {
  active.place = place;
  active.before = process.cwd();
  if (active.before !== cwd) process.chdir(cwd);
}

function leave(cwd: string): void {
  if (active.before !== cwd) process.chdir(active.before);
  active.ended.emit('ended');
}
