import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { ArchiveStore } from '#src/core/ports/archive.ts';
import { type OpenJanitorOptions, openJanitorOn } from './opened-janitor.ts';

/*
 * A janitor in a process of its own that kills itself once it comes to a point of its work.
 *
 * Arguments: the address of NATS, the folder of the archive, the point, and how many invocations the log keeps.
 */

const [url = '', folder = '', point = '', most = '0'] = process.argv.slice(2);

/** The process ends here and now, as by SIGKILL from outside: nothing is flushed, nothing is closed. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('it is dead');
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
    async appendErasure(erasure) {
      const sequence = await purge.appendErasure(erasure);
      dieAt('after an erasure is in the log');
      return sequence;
    },
    async removeResults(fn, isMeant) {
      dieAt('before results are removed');
      return await purge.removeResults(fn, isMeant);
    },
  };
}

const options: OpenJanitorOptions = { name: 'j-dying', wrap: dyingStore, wrapPurge: dyingPurge, mostLoose: 0 };
const opened = await openJanitorOn(url, folder, { ...options, retention: { maxInvocations: Number(most) } });
await opened.janitor.work();
// The point was never reached: the test has to know.
await opened[Symbol.asyncDispose]();
