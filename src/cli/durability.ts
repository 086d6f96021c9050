import type { Fsync } from '#src/main/nats-server/files.ts';
import { isAtLeast, SHARES_FSYNC_SINCE } from '#src/nats/transport/server-version.ts';

/** The promise of an acknowledgement, with its description for people. */
export type Durability = { class: Fsync | 'unknown'; words: string };

const words: Record<Durability['class'], string> = {
  always: 'always: an acknowledged message is on disk',
  '100ms': '100ms: a power cut loses at most the last 100 ms; killed processes lose nothing',
  default: "default: a power cut loses up to the last 2 minutes (JetStream's own setting)",
  unknown:
    "unknown (external server): JetStream's default syncs every 2 minutes, so a power cut can lose that much; set sync_interval there",
};

const ALWAYS_ALONE = 'always: an acknowledged message is on disk; only nats-server 2.15 and newer store many appends with one fsync';

/** `version`: the version of the server, if it is known. */
export function durabilityOf(fsync: Fsync | undefined, version?: string): Durability {
  const name = fsync ?? 'unknown';
  const isAlone = name === 'always' && version !== undefined && !isAtLeast(version, SHARES_FSYNC_SINCE);
  return { class: name, words: isAlone ? ALWAYS_ALONE : words[name] };
}
