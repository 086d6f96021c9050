import { stat } from 'node:fs/promises';
import { messageOf } from '#src/core/errors.ts';
import type { Logger } from '#src/core/ports/logger.ts';

/**
 * Files of the operator whose changes take effect without a restart: credentials, certificates and keys.
 *
 * - (FILE1) A changed file is read once it did not change for a second, and at once after `reload`. A file counts as changed when its
 *   path leads to another file (a rename, a replaced link) or when the file has another size or time.
 * - (FILE2) A file that cannot be used changes nothing: its content before stays in use. The problem is logged once, and stays in
 *   `problems` until the file can be used.
 */
export interface WatchedFiles {
  /** Watches the files until the returned function is called. The caller reads them for the first time itself, afterwards. */
  watch(source: WatchedSource): () => void;
  /** Reads all files again. Resolves when the new contents are in use, or are known to be unusable. */
  reload(): Promise<void>;
  /** A sentence for each content that cannot be used, or soon cannot. */
  readonly problems: readonly string[];
  close(): void;
}

type WatchedSource = {
  /** As a message names the content, such as `the credentials`. */
  name: string;
  files: readonly string[];
  /** Uses the new content. Throws when the content cannot be used; then nothing has changed. */
  reload: () => void | Promise<void>;
  /** A problem of the content in use, such as a certificate that soon ends. */
  warning?: () => string | undefined;
};

/** Polling needs no right and no limit of the kernel, and works for links, network file systems and mounted secrets of Kubernetes. */
const LOOK_EVERY_MS = 1_000;

type Watched = WatchedSource & { seen: Promise<string>; used: Promise<string>; problem: string | undefined };

export function watchFiles(logger: Logger, { everyInMs = LOOK_EVERY_MS } = {}): WatchedFiles {
  const watched = new Set<Watched>();
  let looking: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(() => Promise.all([...watched].map(readChanged)));
  }, everyInMs);
  timer.unref();

  async function readChanged(source: Watched): Promise<void> {
    const [now, seen, used] = await Promise.all([stateOf(source.files), source.seen, source.used]);
    source.seen = Promise.resolve(now);
    if (now === seen && now !== used) await use(source, now);
  }

  async function use(source: Watched, state: string): Promise<void> {
    source.used = Promise.resolve(state);
    const { name, files } = source;
    try {
      await source.reload();
      source.problem = undefined;
      logger.info({ files }, `${name} changed and is in use`);
    } catch (error) {
      source.problem = `${name} changed, but the content before is still in use: ${messageOf(error)}`;
      logger.error({ files }, source.problem);
    }
  }

  return {
    watch(source) {
      const state = stateOf(source.files);
      const added: Watched = { ...source, seen: state, used: state, problem: undefined };
      watched.add(added);
      return () => void watched.delete(added);
    },
    async reload() {
      looking = looking.then(() => Promise.all([...watched].map(async (source) => use(source, await stateOf(source.files)))));
      await looking;
    },
    get problems() {
      return [...watched].flatMap(({ problem, warning }) => [problem, warning?.()]).filter((sentence) => sentence !== undefined);
    },
    close() {
      clearInterval(timer);
      watched.clear();
    },
  };
}

/** For a process that reads its files once. */
export const unwatchedFiles: WatchedFiles = { watch: () => () => {}, reload: async () => {}, problems: [], close() {} };

/** What tells one content from another: the file that each path leads to, its size and its times. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = files.map(async (file) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
      return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
    } catch {
      return 'missing';
    }
  });
  return (await Promise.all(states)).join(' ');
}
