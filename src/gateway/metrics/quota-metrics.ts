import type { Registry } from 'prom-client';
import type { QuotaFigure } from '../quotas/quota-figures.ts';
import { addGauges } from './gauges.ts';

/** The quotas of the projects, as this gateway knows them. */
export type QuotaSource = () => readonly { project: string; figures: readonly QuotaFigure[] }[];

/** Bounds the series. The projects beyond this number share one. */
const MAX_PROJECTS = 200;

/** The gauges of the quotas, by project and quota. A refusal is counted by the gateway that refused. */
export function addQuotaMetrics(registry: Registry, read: QuotaSource): void {
  const labels = ['project', 'quota'];
  const measure =
    (value: (figure: QuotaFigure) => number | undefined) =>
    (projects: ReturnType<QuotaSource>): { labels: Record<string, string>; value: number }[] =>
      projects.flatMap(({ project, figures }, index) =>
        figures.flatMap((figure) => {
          const found = value(figure);
          return found === undefined
            ? []
            : [{ labels: { project: index < MAX_PROJECTS ? project : 'other', quota: figure.quota }, value: found }];
        }),
      );
  addGauges(registry, async () => read(), [
    {
      name: 'quota_limit',
      help: 'The quotas of projects: open invocations, and requests per second',
      labels,
      measure: measure(({ limit }) => limit),
    },
    { name: 'quota_used', help: 'What projects use of a quota: their open invocations', labels, measure: measure(({ used }) => used) },
    {
      name: 'quota_refused',
      help: 'Requests that this gateway refused since its start because their project had reached the quota',
      labels,
      measure: measure(({ refused }) => refused),
    },
  ]);
}
