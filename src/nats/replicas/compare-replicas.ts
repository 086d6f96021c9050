import { createHash } from 'node:crypto';
import type { OpenCursors, ReplicaCursor } from './replica-cursors.ts';

/** One replica up to the compared sequence. `first` is the sequence of its first message, 0 without messages. */
type ReplicaContent = { server: string; messages: number; first: number; hash: string };

export type ReplicaComparison = {
  /** The server of the replica that Sequent reads. */
  leader: string;
  /** The last compared sequence. */
  upTo: number;
  replicas: ReplicaContent[];
  /** Replicas that were not compared, each with the reason. */
  skipped: { server: string; why: string }[];
  isEqual: boolean;
};

export type CompareOptions = {
  /** The leader is the first one. */
  servers: readonly string[];
  /** The sequences of the first and the newest message, as the leader says. */
  first: number;
  upTo: number;
  /** The number of blocks whose content is compared. They are spread evenly over the log. */
  blocks: number;
};

/** Messages in a block. */
const BLOCK = 64;
const TRIES = 3;

/**
 * Compares the replicas of some servers up to a sequence: the number of messages, the first message, and the content of sampled blocks.
 *
 * A replica may apply its last messages late, and a purge may fall between two reads. A difference counts only when three comparisons
 * find one. Equal replicas have the same number of messages. Blocks that were not sampled may still differ in their content.
 */
export async function compareReplicas(open: OpenCursors, options: CompareOptions): Promise<ReplicaComparison> {
  const { upTo, servers } = options;
  for (let tries = 1; ; tries++) {
    const replicas = await readContents(open, options);
    const isEqual = new Set(replicas.map(({ messages, first, hash }) => `${messages} ${first} ${hash}`)).size <= 1;
    const read = new Set(replicas.map(({ server }) => server));
    const skipped = servers.filter((server) => !read.has(server)).map((server) => ({ server, why: 'JetStream placed no consumer on it' }));
    if (isEqual || tries === TRIES) return { leader: servers[0] ?? '', upTo, replicas, skipped, isEqual };
  }
}

async function readContents(open: OpenCursors, { servers, first, upTo, blocks }: CompareOptions): Promise<ReplicaContent[]> {
  const contents = await open({ from: 1, servers }, (cursors) =>
    Promise.all(
      cursors.map(async (cursor) => {
        const [start] = await cursor.read(1);
        return { server: cursor.server, messages: cursor.messages, first: start?.sequence ?? 0, hash: createHash('sha256') };
      }),
    ),
  );
  const found = contents.map(({ server }) => server);
  const forEach = (from: number, use: (content: (typeof contents)[number], cursor: ReplicaCursor) => Promise<void>) =>
    open({ from, servers: found }, async (cursors) => {
      for (const content of contents) {
        const cursor = cursors.find(({ server }) => server === content.server);
        if (cursor !== undefined) await use(content, cursor);
      }
    });
  await forEach(upTo + 1, async (content, { messages }) => {
    content.messages -= messages;
  });
  for (const from of startsOf({ first, upTo, blocks })) {
    await forEach(from, async ({ hash }, cursor) => {
      for (const { sequence, at, subject, data } of await cursor.read(BLOCK))
        if (sequence <= upTo) hash.update(`${sequence}\n${at}\n${subject}\n`).update(data);
    });
  }
  return contents.map(({ hash, ...content }) => ({ ...content, hash: hash.digest('hex').slice(0, 16) }));
}

/** The first sequences of the sampled blocks. The last block ends at `upTo`. */
function startsOf({ first, upTo, blocks }: Pick<CompareOptions, 'first' | 'upTo' | 'blocks'>): number[] {
  const starts: number[] = [];
  const step = Math.max(BLOCK, Math.floor((upTo - first + 1) / blocks));
  for (let from = first; from <= upTo - BLOCK; from += step) starts.push(from);
  return [...starts, Math.max(first, upTo - BLOCK + 1)];
}
