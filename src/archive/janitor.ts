import { messageOf } from '#src/core/errors.ts';
import type { JanitorOptions } from './janitor-options.ts';
import { JanitorRounds } from './janitor-rounds.ts';
import { createLease } from './lease.ts';

/**
 * Archives the messages that the retention no longer keeps, and then purges them. Keeps J1, J2 and J3 (src/DESIGN.md).
 *
 * Several janitors may run. One of them holds the lease. Two janitors that both believe to hold the lease create a segment under the
 * same name, and only one of them succeeds.
 */
export interface Janitor {
  /** Runs rounds until nothing is left to do. Resolves to false when another janitor holds the lease, or this process may not act. */
  work(): Promise<boolean>;
  stop(): Promise<void>;
}

export function startJanitor(options: JanitorOptions): Janitor {
  const { state, clock, logger, name, takesWork = () => true, everyInMs = 5_000 } = options;
  const stopping = new AbortController();
  const lease = createLease({ state, clock, holder: name });
  const rounds = new JanitorRounds(options, { signal: stopping.signal, renewLease: lease.take });
  let working: Promise<boolean> = Promise.resolve(false);

  function work(): Promise<boolean> {
    working = working.catch(() => false).then(runRounds);
    return working;
  }

  async function runRounds(): Promise<boolean> {
    if (stopping.signal.aborted || !takesWork() || !(await lease.take())) return false;
    while ((await rounds.run()) && takesWork());
    return true;
  }

  const looping = (async () => {
    while (!stopping.signal.aborted) {
      await work().catch((error: unknown) => {
        if (!stopping.signal.aborted) logger.error({}, `the janitor archives and purges nothing for now: ${messageOf(error)}`);
      });
      await clock.sleep(everyInMs, stopping.signal);
    }
  })();

  return {
    work,
    async stop() {
      stopping.abort();
      await looping;
      await working.catch(() => {});
      await lease.release().catch(() => {});
    },
  };
}
