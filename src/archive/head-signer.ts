import type { KeyObject } from 'node:crypto';
import { messageOf } from '#src/core/errors.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import type { ArchiveStore } from '#src/core/ports/archive.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { openHeadFiles } from './head-files.ts';
import { LogHash } from './log-hash.ts';
import { isSignedBy, type Signer, signHead } from './signed-head.ts';

/**
 * Signs the head of the log once a minute, while another reader reads the log: the messages are read once for both.
 *
 * A reader that continues has read all messages before. Its hash continues from the newest stored head of the signer's key before that
 * point (HEAD2). A reader that found that the log went backwards reads from the first message, and so does its hash. The heads before
 * stay: they prove which messages were lost.
 */
export interface HeadSigner {
  /** The same log, whose followed messages are hashed on their way to the reader. */
  tap(source: LogSource): LogSource;
  /** Signs a last head. Call this function before the reader stops. */
  stop(): Promise<void>;
}

export type HeadSignerOptions = {
  store: ArchiveStore;
  signer: Signer;
  clock: Clock;
  logger: Logger;
  everyInMs?: number;
};

const SIGN_EVERY_MS = 60_000;

/** A hash of one read, and the log that is read. */
type Read = { log: string; hash: LogHash };

export function startHeadSigner({ store, signer, clock, logger, everyInMs = SIGN_EVERY_MS }: HeadSignerOptions): HeadSigner {
  const stopping = new AbortController();
  const reads = new Set<Read>();
  let signed = { log: '', sequence: 0 };

  async function sign(): Promise<void> {
    const [furthest] = [...reads].sort((one, other) => other.hash.position.sequence - one.hash.position.sequence);
    if (furthest === undefined) return;
    const { log, hash } = furthest;
    const { position, at } = hash;
    if (at === 0 || (signed.log === log && signed.sequence === position.sequence)) return;
    const body = { v: 1, log, ...position, at, signedAt: Math.floor(clock.now()), key: signer.key } as const;
    await openHeadFiles(store, log).add(await signHead(body, signer));
    signed = { log, sequence: position.sequence };
  }

  /** A failure is logged. The next head covers the same messages. */
  async function trySign(): Promise<void> {
    await sign().catch((error: unknown) => logger.error({}, `the head of the log is not signed for now: ${messageOf(error)}`));
  }

  const signing = (async () => {
    for (;;) {
      await clock.sleep(everyInMs, stopping.signal);
      if (stopping.signal.aborted) return;
      await trySign();
    }
  })();

  return {
    tap: (source) => ({
      ...source,
      async follow(from, onEntry, signal) {
        const read = await openRead(source, { before: from, store, publicKey: signer.publicKey, signal });
        reads.add(read);
        try {
          await source.follow(
            from,
            (entry) => {
              read.hash.take(entry);
              onEntry(entry);
            },
            signal,
          );
        } finally {
          reads.delete(read);
        }
      },
    }),
    async stop() {
      stopping.abort();
      await signing;
      await trySign();
    },
  };
}

type OpenOptions = { before: number; store: ArchiveStore; publicKey: KeyObject | undefined; signal: AbortSignal };

/** The hash up to the message before a sequence. */
async function openRead(source: LogSource, { before, store, publicKey, signal }: OpenOptions): Promise<Read> {
  const { created: log } = await source.state();
  const head = publicKey === undefined ? undefined : await openHeadFiles(store, log).newestBefore(before);
  const isOwn = head !== undefined && publicKey !== undefined && head.log === log && isSignedBy(head, publicKey);
  const hash = new LogHash(log, isOwn ? head : undefined);
  if (hash.position.sequence + 1 < before) await takeUpTo(source, { hash, last: before - 1, signal });
  return { log, hash };
}

async function takeUpTo(source: LogSource, { hash, last, signal }: { hash: LogHash; last: number; signal: AbortSignal }): Promise<void> {
  const done = new AbortController();
  const end = (): void => done.abort();
  signal.addEventListener('abort', end, { once: true });
  await source.follow(
    hash.position.sequence + 1,
    (entry) => {
      if (done.signal.aborted) return;
      if (entry.sequence <= last) hash.take(entry);
      if (entry.sequence >= last) done.abort();
    },
    done.signal,
  );
  signal.removeEventListener('abort', end);
}
