import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';
import { type OpenJanitorOptions, openJanitorOn } from './opened-janitor.ts';

/*
 * A janitor in a process of its own that kills itself when it reaches a named point.
 *
 * Arguments: the address of NATS, the folder of the archive, the point, and the number of invocations that the log keeps.
 */

const [url = '', folder = '', point = '', maxInvocations = '0'] = process.argv.slice(2);

/** Ends the process at once, as SIGKILL from outside does: nothing is flushed or closed. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('the process was killed');
}

const dieAt = (reached: string): void => void (reached === point && die());

function dyingStore(store: ArchiveStore): ArchiveStore {
  return {
    ...store,
    async create(name, content) {
      dieAt('before a segment is written');
      const isMine = await store.create(name, content);
      dieAt('after a segment is written');
      return isMine;
    },
    async replace(name, content) {
      await store.replace(name, content);
      dieAt(name.endsWith('.plan') ? 'after an erasure is planned' : 'after a segment is rewritten');
    },
  };
}

function dyingPurge(purge: LogPurge): LogPurge {
  return {
    ...purge,
    async purgeBefore(sequence) {
      dieAt('before the log is purged');
      await purge.purgeBefore(sequence);
      dieAt('after the log is purged');
    },
    async remove(sequences, options) {
      if (point === 'while messages are removed one by one') {
        await purge.remove(sequences.slice(0, sequences.length / 2), options);
        die();
      }
      await purge.remove(sequences, options);
    },
    async appendErasure(erasure, part) {
      const sequence = await purge.appendErasure(erasure, part);
      dieAt(part === undefined ? 'after an erasure is in the log' : 'after the erased messages are named');
      return sequence;
    },
    async removeResults(fn, matches) {
      dieAt('before results are removed');
      return await purge.removeResults(fn, matches);
    },
  };
}

const options: OpenJanitorOptions = { name: 'j-dying', wrap: dyingStore, wrapPurge: dyingPurge, maxRemovable: 0 };
const opened = await openJanitorOn(url, folder, { ...options, retention: { maxInvocations: Number(maxInvocations) } });
await opened.janitor.work();
// The point was not reached. The test sees an exit without a signal.
await opened[Symbol.asyncDispose]();
