import type { KeyObject } from 'node:crypto';
import { messageOf } from '#src/core/errors.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { readUpTo } from '#src/core/log/read-up-to.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { type HeadStores, openHeads } from './heads.ts';
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
  /**
   * Signs with another key from now on. The hash starts again from the newest head of this key, or from the first message (HEAD2), so this
   * call may take as long as a read of the log. Heads of the key before stay valid.
   */
  replace(signer: Signer): Promise<void>;
  /** Signs a last head. Call this function before the reader stops. */
  stop(): Promise<void>;
}

export type HeadSignerOptions = {
  places: HeadStores;
  signer: Signer;
  clock: Clock;
  logger: Logger;
  everyInMs?: number;
};

const SIGN_EVERY_MS = 60_000;

/** A hash of one read, and the log that is read. */
type Read = { log: string; hash: LogHash; source: LogSource; signal: AbortSignal };

export function startHeadSigner({ places, signer: first, clock, logger, everyInMs = SIGN_EVERY_MS }: HeadSignerOptions): HeadSigner {
  let signer = first;
  const stopping = new AbortController();
  const reads = new Set<Read>();
  let signed = { log: '', sequence: 0 };

  async function sign(): Promise<void> {
    const [furthest] = [...reads].sort((one, other) => other.hash.sequence - one.hash.sequence);
    if (furthest === undefined) return;
    const { log, hash } = furthest;
    const { sequence, at } = hash;
    if (at === 0 || (signed.log === log && signed.sequence === sequence)) return;
    await openHeads(places, log).add(await signHead(furthest, signer, clock.now()));
    signed = { log, sequence };
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
      async follow(from, onEntry, signal, pace) {
        const read = { ...(await openRead(source, { before: from, places, publicKey: signer.publicKey, signal })), source, signal };
        reads.add(read);
        try {
          await source.follow(
            from,
            (entry) => {
              read.hash.take(entry);
              onEntry(entry);
            },
            signal,
            pace,
          );
        } finally {
          reads.delete(read);
        }
      },
    }),
    async replace(next) {
      for (const read of reads) {
        const fresh = await openRead(read.source, { before: 1, places, publicKey: next.publicKey, signal: read.signal });
        while (fresh.hash.sequence < read.hash.sequence && !read.signal.aborted)
          await takeUpTo(read.source, { hash: fresh.hash, last: read.hash.sequence, signal: read.signal });
        read.hash = fresh.hash;
      }
      signer = next;
    },
    async stop() {
      stopping.abort();
      await signing;
      await trySign();
    },
  };
}

type OwnHeads = { places: HeadStores; publicKey: KeyObject | undefined };

/**
 * A hash that continues from the newest head of this key before a sequence, or from the first message of the log (HEAD2). It may continue up to
 * a block before that head. Heads of version 1 have another hash, so nothing continues from them.
 */
export async function hashFromOwnHead({ places, publicKey }: OwnHeads, { log, before }: { log: string; before: number }): Promise<LogHash> {
  const head = publicKey === undefined ? undefined : await openHeads(places, log).newestBefore(before);
  if (head?.v !== 2 || publicKey === undefined || head.log !== log || !isSignedBy(head, publicKey)) return new LogHash(log);
  return new LogHash(log, head.block);
}

/** The hash up to the message before a sequence. */
async function openRead(
  source: LogSource,
  { before, signal, ...own }: OwnHeads & { before: number; signal: AbortSignal },
): Promise<Pick<Read, 'log' | 'hash'>> {
  const { created: log } = await source.state();
  const hash = await hashFromOwnHead(own, { log, before });
  if (hash.sequence + 1 < before) await takeUpTo(source, { hash, last: before - 1, signal });
  return { log, hash };
}

async function takeUpTo(source: LogSource, { hash, last, signal }: { hash: LogHash; last: number; signal: AbortSignal }): Promise<void> {
  await readUpTo(source, { from: hash.sequence + 1, to: last, clock: systemClock, signal }, (entry) => hash.take(entry));
}
