import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '#src/core/ports/clock.ts';

/** What waits for the roles, and how large the log is. */
export type Lag = {
  lastSequence: number;
  messages: number;
  bytes: number;
  consumers: readonly { role: string; function: string; waiting: number; atWork: number }[];
  /** How many messages the read model is behind; `undefined` when no projection answers. */
  projection: number | undefined;
  oldestOpenAt: number | undefined;
};
export type LagSource = () => Promise<Lag>;

export type LagOptions = { clock: Pick<Clock, 'now'>; lag: LagSource; folded: () => number };

/** What is looked up for one scrape will do for those that follow it closely. */
const FRESH_FOR_MS = 5_000;

/** The lag of every role, looked up when somebody asks; what cannot be looked up is left out. */
export function createLagMetrics(registry: Registry, { clock, lag, folded }: LagOptions): void {
  const registers = [registry];
  let looked: { at: number; lag: Promise<Lag | undefined> } | undefined;

  function look(): Promise<Lag | undefined> {
    if (looked === undefined || clock.now() - looked.at > FRESH_FOR_MS) {
      const begun = { at: clock.now(), lag: lag().catch(() => undefined) };
      looked = begun;
      // Whoever did not answer may be there in a moment: the next scrape asks again.
      void begun.lag.then((found) => {
        if (looked === begun && found?.projection === undefined) looked = undefined;
      });
    }
    return looked.lag;
  }
  function gauge(name: string, help: string, read: (found: Lag) => number | undefined): void {
    new Gauge({
      name: `sequent_${name}`,
      help,
      registers,
      async collect() {
        this.reset();
        const found = await look();
        const value = found === undefined ? undefined : read(found);
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
  function byConsumer(name: string, help: string, read: (consumer: Lag['consumers'][number]) => number): void {
    new Gauge({
      name: `sequent_${name}`,
      help,
      labelNames: ['role', 'function'],
      registers,
      async collect() {
        this.reset();
        for (const consumer of (await look())?.consumers ?? []) {
          const { role, function: token } = consumer;
          this.set({ role, ...(token === '' ? {} : { function: token }) }, read(consumer));
        }
      },
    });
  }

  byConsumer('role_lag_messages', 'Messages of the log that nobody of the role was given yet', ({ waiting }) => waiting);
  byConsumer('role_held_messages', 'Messages of the log that somebody of the role works on', ({ atWork }) => atWork);
  gauge('projection_lag_messages', 'Messages of the log that the read model does not hold yet', ({ projection }) => projection);
  gauge('gateway_lag_messages', 'Messages of the log that these metrics do not count yet', ({ lastSequence }) =>
    Math.max(0, lastSequence - folded()),
  );
  gauge('log_messages', 'Messages that the log holds', ({ messages }) => messages);
  gauge('log_bytes', 'Bytes that the log holds', ({ bytes }) => bytes);
  gauge('log_last_sequence', 'The sequence of the newest message of the log', ({ lastSequence }) => lastSequence);
  gauge('oldest_open_seconds', 'The age of the oldest invocation that is not over, as the scheduler saved it', ({ oldestOpenAt }) =>
    oldestOpenAt === undefined ? 0 : Math.max(0, clock.now() - oldestOpenAt) / 1_000,
  );
}
