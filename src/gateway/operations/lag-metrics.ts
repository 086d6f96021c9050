import { Gauge, type Registry } from 'prom-client';
import type { CircuitState } from '#src/core/ports/circuit-states.ts';
import type { Clock } from '#src/core/ports/clock.ts';

/** The messages that wait for each role, and the size of the log. */
export type Lag = {
  lastSequence: number;
  messages: number;
  bytes: number;
  consumers: readonly { role: string; function: string; waiting: number; atWork: number }[];
  /** The number of messages that the read model is behind; `undefined` when no projection answers. */
  projection: number | undefined;
  oldestOpenAt: number | undefined;
  /** How far the clocks of the running processes are ahead of the server's. */
  clocks: readonly { role: string; host: string; aheadInMs: number }[];
  /** The circuits of the running processes that are not closed. */
  circuits: readonly Pick<CircuitState, 'function' | 'target' | 'state'>[];
};
export type LagSource = () => Promise<Lag>;

export type LagOptions = { clock: Pick<Clock, 'now'>; lag: LagSource; folded: () => number };

/** Scrapes within this time share one look-up. */
const FRESH_FOR_MS = 5_000;

/** Bounds the series of circuits: functions and targets are unbounded. All further circuits are counted as those of `other`. */
const MAX_CIRCUITS = 500;
const OTHERS = 'other';

/** The lag of every role, looked up per scrape. If the look-up fails, the metrics are left out. */
export function createLagMetrics(registry: Registry, { clock, lag, folded }: LagOptions): void {
  const registers = [registry];
  let cached: { at: number; lag: Promise<Lag | undefined> } | undefined;

  function read(): Promise<Lag | undefined> {
    if (cached === undefined || clock.now() - cached.at > FRESH_FOR_MS) {
      const started = { at: clock.now(), lag: lag().catch(() => undefined) };
      cached = started;
      // A projection that did not answer may answer soon, so the next scrape looks up the lag again.
      void started.lag.then((found) => {
        if (cached === started && found?.projection === undefined) cached = undefined;
      });
    }
    return cached.lag;
  }
  function gauge(name: string, help: string, measure: (found: Lag) => number | undefined): void {
    new Gauge({
      name: `sequent_${name}`,
      help,
      registers,
      async collect() {
        this.reset();
        const found = await read();
        const value = found === undefined ? undefined : measure(found);
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
  function byConsumer(name: string, help: string, measure: (consumer: Lag['consumers'][number]) => number): void {
    new Gauge({
      name: `sequent_${name}`,
      help,
      labelNames: ['role', 'function'],
      registers,
      async collect() {
        this.reset();
        for (const consumer of (await read())?.consumers ?? []) {
          const { role, function: token } = consumer;
          this.set({ role, ...(token === '' ? {} : { function: token }) }, measure(consumer));
        }
      },
    });
  }

  new Gauge({
    name: 'sequent_clock_offset_seconds',
    help: "How far the clock of the role's machine is ahead of the clock of the NATS server",
    labelNames: ['role', 'host'],
    registers,
    async collect() {
      this.reset();
      for (const { role, host, aheadInMs } of (await read())?.clocks ?? []) this.set({ role, host }, aheadInMs / 1_000);
    },
  });
  new Gauge({
    name: 'sequent_circuits',
    help: 'Circuits of destination targets that are not closed, counted over the processes',
    labelNames: ['function', 'target', 'state'],
    registers,
    async collect() {
      this.reset();
      for (const [index, { function: token, target, state }] of ((await read())?.circuits ?? []).entries()) {
        this.inc(index < MAX_CIRCUITS ? { function: token, target, state } : { function: OTHERS, target: OTHERS, state });
      }
    },
  });
  byConsumer('role_lag_messages', 'Messages of the log that were not delivered to the role yet', ({ waiting }) => waiting);
  byConsumer('role_held_messages', 'Messages of the log that are in progress in the role', ({ atWork }) => atWork);
  gauge('projection_lag_messages', 'Messages of the log that the read model does not contain yet', ({ projection }) => projection);
  gauge('gateway_lag_messages', 'Messages of the log that these metrics do not count yet', ({ lastSequence }) =>
    Math.max(0, lastSequence - folded()),
  );
  gauge('log_messages', 'Messages in the log', ({ messages }) => messages);
  gauge('log_bytes', 'Bytes in the log', ({ bytes }) => bytes);
  gauge('log_last_sequence', 'The sequence of the newest message of the log', ({ lastSequence }) => lastSequence);
  gauge('oldest_open_seconds', 'The age of the oldest unfinished invocation, as the scheduler saved it', ({ oldestOpenAt }) =>
    oldestOpenAt === undefined ? 0 : Math.max(0, clock.now() - oldestOpenAt) / 1_000,
  );
}
