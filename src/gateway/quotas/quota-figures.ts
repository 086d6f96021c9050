import type { DefinitionLimits, DefinitionUse } from '#src/core/quotas/definition-limits.ts';
import type { QuotaGuard, QuotaUse } from './quota-guard.ts';

/** A project that was refused so lately counts as one that has reached a quota. */
const LATELY_IN_MS = 60_000;

type QuotaLabel = 'open' | 'rate' | 'stored_bytes' | 'functions' | 'schedules' | 'definition_bytes';

/** One quota of a project in figures. `used` is absent for the rate, which is a speed and no amount. */
export type QuotaFigure = { quota: QuotaLabel; limit: number; used?: number; refused: number; isReached: boolean };

/** The quotas of what a project sends in figures. */
function quotaFigures(
  { quota: { open: limit, rate, storedBytes }, open, stored, refusals: { counts, at } }: QuotaUse,
  now: number,
): QuotaFigure[] {
  const isLate = (refused: number): boolean => refused > 0 && at !== undefined && now - at < LATELY_IN_MS;
  const { open: openRefused = 0, rate: rateRefused = 0, storedBytes: storedRefused = 0 } = counts;
  return [
    ...(limit === undefined
      ? []
      : [{ quota: 'open' as const, limit, used: open, refused: openRefused, isReached: open >= limit || isLate(openRefused) }]),
    ...(rate === undefined ? [] : [{ quota: 'rate' as const, limit: rate, refused: rateRefused, isReached: isLate(rateRefused) }]),
    ...(storedBytes === undefined
      ? []
      : [{ quota: 'stored_bytes' as const, limit: storedBytes, used: stored, refused: storedRefused, isReached: stored >= storedBytes }]),
  ];
}

/** The quotas of what a project defines in figures: those that the operator set, and those that the project has reached. */
function definitionFigures({ limits, own, used, refused }: DefinitionUse): QuotaFigure[] {
  const amounts = [
    { quota: 'functions', name: 'functions', amount: used.functions },
    { quota: 'schedules', name: 'schedules', amount: used.schedules },
    { quota: 'definition_bytes', name: 'definitionBytes', amount: used.bytes },
  ] as const;
  return amounts.flatMap(({ quota, name, amount }) => {
    const figure = { quota, limit: limits[name], used: amount, refused: refused[name] ?? 0, isReached: amount >= limits[name] };
    return own[name] !== undefined || figure.isReached || figure.refused > 0 ? [figure] : [];
  });
}

/** The quotas of all projects in figures. The own project has its name. */
export function allFigures(
  { quotas, definitions }: { quotas: Pick<QuotaGuard, 'uses'> | undefined; definitions: Pick<DefinitionLimits, 'uses'> },
  ownProject: string,
  now: number,
): { project: string; figures: QuotaFigure[] }[] {
  const sent = (quotas?.uses ?? []).map((use) => ({ project: use.project ?? ownProject, figures: quotaFigures(use, now) }));
  const defined = definitions.uses.map((use) => ({
    project: use.project === '' ? ownProject : use.project,
    figures: definitionFigures(use),
  }));
  const projects = new Map<string, QuotaFigure[]>();
  for (const { project, figures } of [...sent, ...defined]) projects.set(project, [...(projects.get(project) ?? []), ...figures]);
  return [...projects].map(([project, figures]) => ({ project, figures }));
}
