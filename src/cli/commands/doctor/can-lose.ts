import { say } from '#src/cli/texts/say.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/**
 * Says in one sentence which acknowledged messages the present set-up can lose, and in which case.
 *
 * Killed processes are no case, because the operating system keeps what a server wrote. With several replicas, a server that loses its power
 * returns without its last messages. Together with a replica that was behind it forms a majority without them (nats-server, issue 7567), unless
 * every server syncs before it acknowledges.
 */
export function judgeWhatCanBeLost({ inspection: { streams }, durability }: Pick<Examined, 'inspection' | 'durability'>): Finding[] {
  const log = streams[0];
  if (!log?.exists) return [];
  const unsynced = unsyncedInWords(durability.class);
  const check = say('can lose');
  if (log.replicas > 1) {
    const values = { copies: log.replicas, majority: Math.floor(log.replicas / 2) + 1, unsynced };
    const seen =
      durability.class === 'always'
        ? say('{copies} copies: the loss of {majority} disks loses the log; a power cut loses nothing', values)
        : say(
            '{copies} copies: a power cut of {majority} servers, or of one while another one is behind, loses {unsynced}; the loss of {majority} disks loses the log',
            values,
          );
    return [{ level: 'ok', check, seen }];
  }
  const seen =
    durability.class === 'always'
      ? say('1 copy: the loss of its disk loses everything that no archive or backup has; a power cut loses nothing')
      : say('1 copy: a power cut loses {unsynced}; the loss of its disk loses everything that no archive or backup has', { unsynced });
  return [{ level: 'ok', check, seen }];
}

/** What a server has acknowledged and not synced. */
function unsyncedInWords(fsync: Examined['durability']['class']): string {
  if (fsync === '100ms') return say('the messages of the last 100 ms');
  if (fsync === 'default') return say('the messages of up to the last 2 minutes');
  return say('the messages since the last sync (every 2 minutes, unless sync_interval is set)');
}
