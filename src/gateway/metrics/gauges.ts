import { Gauge, type Registry } from 'prom-client';

type Sample = { labels?: Readonly<Record<string, string>>; value: number };

/** A gauge as data. `measure` returns the value, the samples by labels, or `undefined` when the value is unknown: then the series is absent. */
export type GaugeRow<Source> = {
  /** The name without the prefix `sequent_`. */
  name: string;
  help: string;
  labels?: readonly string[];
  measure: (source: Source) => number | readonly Sample[] | undefined;
};

/** Adds gauges that are measured at every scrape. Values with equal labels are added up. Without a source, the series are absent. */
export function addGauges<Source>(registry: Registry, read: () => Promise<Source | undefined>, rows: readonly GaugeRow<Source>[]): void {
  for (const { name, help, labels = [], measure } of rows) {
    new Gauge({
      name: `sequent_${name}`,
      help,
      labelNames: [...labels],
      registers: [registry],
      async collect() {
        const source = await read();
        const samples = source === undefined ? [] : samplesOf(measure(source));
        this.reset();
        // A gauge without labels is 0 after its reset.
        if (labels.length === 0 && samples.length === 0) this.remove();
        for (const sample of samples) this.inc(sample.labels ?? {}, sample.value);
      },
    });
  }
}

function samplesOf(measured: number | readonly Sample[] | undefined): readonly Sample[] {
  return typeof measured === 'number' ? [{ value: measured }] : (measured ?? []);
}
