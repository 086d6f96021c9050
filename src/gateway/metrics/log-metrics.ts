import type { Clock } from '#src/core/ports/clock.ts';
import { countedDurations, DURATION_BUCKETS, type LogFigures } from '#src/core/quotas/log-figures.ts';
import type { LogCounts } from '../operations/log-counts.ts';

export type LogMetricsOptions = { clock: Pick<Clock, 'now'>; counts: LogCounts };

/** The metrics that a projection counts from the log, in the text format of Prometheus. */
export interface LogMetrics {
  /** The sequence up to which the figures count the log; 0 before the first answer. */
  readonly sequence: number;
  /** Asks a projection. Without an answer, the last figures are reported, with their age. Never rejects. */
  render(): Promise<string>;
}

export function createLogMetrics({ clock, counts }: LogMetricsOptions): LogMetrics {
  let last: { figures: LogFigures; at: number } | undefined;
  return {
    get sequence() {
      return last?.figures.sequence ?? 0;
    },
    async render() {
      const now = clock.now();
      const figures = await counts.ask('figures', { now }).catch(() => undefined);
      if (figures !== undefined) last = { figures, at: now };
      return series
        .flatMap(({ name, help, type, samples }) => {
          const lines = last === undefined ? [] : samples(last.figures, { now, at: last.at });
          return [`# HELP sequent_${name} ${help}`, `# TYPE sequent_${name} ${type}`, ...lines.map((line) => `sequent_${name}${line}`), ''];
        })
        .join('\n');
    },
  };
}

type Times = { now: number; at: number };
/** `samples`: what follows the name of the series in each line. */
type Series = { name: string; help: string; type: string; samples: (figures: LogFigures, times: Times) => string[] };

const durationSeries = {
  queue: { name: 'queue_seconds', help: 'From acceptance, or from the due time of a delayed request, to the first attempt' },
  execution: { name: 'execution_seconds', help: 'Duration of executions, by the clock of their workers' },
  endToEnd: { name: 'end_to_end_seconds', help: 'From acceptance, or from the due time of a delayed request, to the outcome' },
} as const;

const series: readonly Series[] = [
  counter('invocations_accepted_total', 'Requests that the log accepted', { figure: 'accepted' }),
  counter('attempts_total', 'Executions that were started', { figure: 'attempts' }),
  counter('retries_total', 'Executions that failed and are retried', { figure: 'retries', label: 'kind' }),
  counter('outcomes_total', 'Outcomes by condition; an empty condition is a success', { figure: 'outcomes', label: 'condition' }),
  counter('deliveries_total', 'Deliveries to destinations that were settled', {
    figure: 'deliveries',
    label: 'outcome',
    values: ['delivered', 'dead'],
  }),
  counter('delivery_failures_total', 'Tries of deliveries that failed and are retried', { figure: 'deliveries.failed' }),
  counter('delivery_postponements_total', 'Deliveries that were postponed without a try', { figure: 'deliveries.postponed' }),
  ...countedDurations.map((name) => histogram(name)),
  {
    name: 'invocations_open',
    help: 'Invocations that are not notified yet',
    type: 'gauge',
    samples: ({ open }) => [` ${open}`],
  },
  {
    name: 'queue_age_seconds',
    help: 'For how long the oldest request for which no attempt started yet is due',
    type: 'gauge',
    samples: ({ figures, queued }, { now }) => {
      const since = new Map(queued.map((one) => [one.function, one.since]));
      return namesIn(figures, 'accepted').map((name) => sample({ function: name }, secondsSince(since.get(name), now)));
    },
  },
  {
    name: 'requests_delayed',
    help: 'Delayed requests that are not due yet',
    type: 'gauge',
    samples: ({ queued }) => queued.map(({ function: name, delayed }) => sample({ function: name }, delayed)),
  },
  {
    name: 'log_figures_age_seconds',
    help: 'The age of the figures that a projection counted from the log; it grows while no projection answers',
    type: 'gauge',
    samples: (_, { now, at }) => [` ${secondsSince(at, now)}`],
  },
];

type Counted = { figure: string; label?: string; values?: readonly string[] };

function counter(name: string, help: string, { figure, label, values }: Counted): Series {
  const prefix = `${figure}.`;
  return {
    name,
    help,
    type: 'counter',
    samples: ({ figures }) =>
      figures.flatMap(({ function: fn, name: found, value }) => {
        if (label === undefined) return found === figure ? [sample({ function: fn }, value)] : [];
        const of = found.slice(prefix.length);
        return found.startsWith(prefix) && values?.includes(of) !== false ? [sample({ function: fn, [label]: of }, value)] : [];
      }),
  };
}

function histogram(duration: (typeof countedDurations)[number]): Series {
  return {
    ...durationSeries[duration],
    type: 'histogram',
    samples: ({ figures }) =>
      namesIn(figures, `${duration}.sum`).flatMap((name) => {
        const values = new Map(figures.filter((one) => one.function === name).map((one) => [one.name, one.value]));
        let sum = 0;
        const buckets = [...DURATION_BUCKETS, '+Inf'].map((bound) => {
          sum += values.get(`${duration}.${bound}`) ?? 0;
          return `_bucket${sample({ function: name, le: String(bound) }, sum)}`;
        });
        const labels = { function: name };
        return [...buckets, `_sum${sample(labels, values.get(`${duration}.sum`) ?? 0)}`, `_count${sample(labels, sum)}`];
      }),
  };
}

function namesIn(figures: LogFigures['figures'], name: string): string[] {
  return figures.filter((one) => one.name === name).map((one) => one.function);
}

function secondsSince(at: number | null | undefined, now: number): number {
  return at === null || at === undefined ? 0 : Math.max(0, now - at) / 1_000;
}

function sample(labels: Readonly<Record<string, string>>, value: number): string {
  const listed = Object.entries(labels).map(
    ([name, text]) => `${name}="${text.replaceAll(/["\\\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))}"`,
  );
  return `{${listed.join(',')}} ${value}`;
}
