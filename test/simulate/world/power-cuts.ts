import type { Faults } from '#test/simulate/faults.ts';
import type { Engine } from './engine.ts';
import type { Network, Process } from './process.ts';
import type { Servers } from './servers.ts';

const LONGEST_TAIL_IN_MS = 2_000;
/** The share of cuts that lose at most three messages. Another process then soon gets the sequence of a lost append. */
const SHORT = 0.6;
const SHORTEST_PAUSE_IN_MS = 1_500;
const LONGEST_PAUSE_IN_MS = 8_000;
/** How long the server is down. The answers that it sent before have arrived by then. */
const SHORTEST_OUTAGE_IN_MS = 250;
const LONGEST_OUTAGE_IN_MS = 1_200;
/** How long a process may take to notice that its connection was lost. */
const NOTICED_AFTER_MS = 2_000;
/** In a cluster, a process may be connected to a server that never stopped. */
const NOTICED = 0.5;

type Powered = { engine: Engine; faults: Faults; network: Network };

/**
 * Cuts the power of the server now and then, and at some conflicts. The server had not written its last messages to the disk, and gives
 * their sequences to others.
 *
 * `processes` are the present ones. Half of them notice that they were disconnected (LINK4), and half notice nothing.
 */
export function cutPowerSometimes({ engine, faults, network }: Powered, servers: Servers, processes: () => Iterable<Process>): void {
  const wait = (): void => {
    engine.after(engine.chance.between(SHORTEST_PAUSE_IN_MS, LONGEST_PAUSE_IN_MS), 'the power may be cut', () => {
      if (faults.strike('power-cut', 'the log')) cut(engine.chance.happens(SHORT) ? firstOfShortTail() : firstOfTail());
      wait();
    });
  };

  function cut(from: number | undefined): void {
    if (from === undefined || from > servers.last() || engine.now < network.upAt) return;
    engine.note(`the log loses the messages from ${from} to ${servers.last()}`);
    network.upAt = engine.now + engine.chance.between(SHORTEST_OUTAGE_IN_MS, LONGEST_OUTAGE_IN_MS);
    servers.lose(from);
    for (const process of processes()) {
      if (!engine.chance.happens(NOTICED)) continue;
      const noticedAt = network.upAt + engine.chance.between(0, NOTICED_AFTER_MS);
      process.schedule(noticedAt - engine.now, 'reconnects', () => process.reconnected());
    }
  }

  function firstOfShortTail(): number | undefined {
    return servers.entries.at(-engine.chance.between(1, 3))?.sequence;
  }

  function firstOfTail(): number | undefined {
    const lostSince = engine.now - engine.chance.between(0, LONGEST_TAIL_IN_MS);
    return servers.entries.find(({ at }) => at > lostSince)?.sequence;
  }

  servers.power.cut = (from) => {
    cut(from);
    return new Promise((resolve) => void engine.after(network.upAt - engine.now, 'the power is back', resolve));
  };
  wait();
}
