import type { Fsync } from '#src/main/nats-server/files.ts';

/** The promise of an acknowledgement, with its description for people. */
export type Durability = { class: Fsync | 'unknown'; words: string };

const words: Record<Durability['class'], string> = {
  always: 'always: an acknowledged message is on disk',
  '100ms': '100ms: a power cut loses at most the last 100 ms; killed processes lose nothing',
  default: "default: a power cut loses up to the last 2 minutes (JetStream's own setting)",
  unknown:
    "unknown (external server): JetStream's default syncs every 2 minutes, so a power cut can lose that much; set sync_interval there",
};

export function durabilityOf(fsync: Fsync | undefined): Durability {
  const name = fsync ?? 'unknown';
  return { class: name, words: words[name] };
}
