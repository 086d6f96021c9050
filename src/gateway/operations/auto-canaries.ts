import { type CanaryVerdict, countsByVersion, judgeCanary, judgedInvocations } from '#src/analysis/canary/judge-canary.ts';
import type { ClientHistory } from '#src/client/history/history.ts';
import { messageOf } from '#src/core/errors.ts';
import { type CanaryDecision, type FunctionAlias, type FunctionEntry, PROMOTE_AFTER } from '#src/core/functions/entry.ts';
import { type FunctionName, splitName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { inLanguage } from '#src/core/text/language.ts';
import type { FunctionDirectory } from '#src/functions/directory.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import type { AuditRecorder } from '../ports.ts';

export type AutoCanariesOptions = {
  /** The local copy of the registry. */
  functions: Pick<FunctionDirectory, 'get' | 'subscribe'>;
  registry: Pick<FunctionRegistry, 'decideCanary'>;
  history: Pick<ClientHistory, 'stats'>;
  audit: Pick<AuditRecorder, 'add'>;
  clock: Pick<Clock, 'now' | 'sleep'>;
  logger: Logger;
  /** The own project. */
  project: string;
  signal: AbortSignal;
};

const JUDGE_EVERY_MS = 2_000;
/** Problems that were logged, so that a round does not repeat them. */
const MAX_KNOWN_PROBLEMS = 1_000;

/**
 * Promotes and rolls back the canaries that were begun with `auto`, until the signal aborts.
 *
 * 1. A canary that is significantly worse is rolled back; one that is better is promoted. The test is valid at every look (CAN3), so that it
 *    may decide at each.
 * 2. A canary that is not worse after `promoteAfter` ended invocations is promoted.
 * 3. The decision and the new shares are one write of the registry, by compare-and-set. Of several gateways one decides, and each decision
 *    is a message on the subject of the function's entry.
 * 4. The gateway that decided adds an entry to the audit log after that write.
 * 5. Without an answer of the history nothing is decided. The next round asks again.
 */
export async function decideCanaries(options: AutoCanariesOptions): Promise<void> {
  const { functions, clock, logger, signal } = options;
  const problems = new Set<string>();
  const warn = (name: string, alias: string, problem: string): void => {
    if (problems.has(problem)) return;
    if (problems.size >= MAX_KNOWN_PROBLEMS) problems.clear();
    problems.add(problem);
    logger.warn({ function: name, alias }, `the automatic canary is not decided for now: ${problem}`);
  };
  // To look through 100,000 functions every two seconds would take 2 % of a core.
  const automatic = new Set<FunctionName>();
  functions.subscribe((name, found) => {
    if (found !== undefined && automaticAliases(found).length > 0) automatic.add(name);
    else automatic.delete(name);
  }, '"auto"');
  while (!signal.aborted) {
    for (const [entry, alias] of [...automatic].flatMap((name) => automaticAliases(functions.get(name)))) {
      if (signal.aborted) return;
      await decideOne(options, entry, alias).catch((error: unknown) => warn(entry.definition.name, alias.name, messageOf(error)));
    }
    await clock.sleep(JUDGE_EVERY_MS, signal);
  }
}

function automaticAliases(entry: FunctionEntry | undefined): [FunctionEntry, FunctionAlias][] {
  if (entry === undefined) return [];
  return entry.aliases.filter(({ auto }) => auto !== undefined && auto !== null).map((alias) => [entry, alias]);
}

async function decideOne(options: AutoCanariesOptions, { definition }: FunctionEntry, alias: FunctionAlias): Promise<void> {
  const { name } = definition;
  const { project, bare } = splitName(name);
  const rows = await options.history.stats({ function: name, project: project ?? '', ...judgedInvocations(alias), by: 'version' });
  const counts = countsByVersion(rows);
  // Readers of the registry and of the audit log have no common language.
  const [verdict] = inLanguage('en', () => judgeCanary(bare, alias, counts));
  const decision = verdict && decisionOf(verdict, alias, counts.find(({ version }) => version === verdict.version)?.ended ?? 0);
  if (decision === undefined) return;
  const decided = await options.registry.decideCanary(name, alias.name, decision);
  if (decided !== undefined) record(options, name, alias, decision);
}

type Decision = Omit<CanaryDecision, 'at'>;

/** `undefined` while the canary goes on. `ended`: the ended invocations of the canary. */
function decisionOf(verdict: CanaryVerdict, alias: FunctionAlias, ended: number): Decision | undefined {
  const { version: canary, main, weight, p, text } = verdict;
  const known = { canary, main, weight, since: alias.weightedAt, p };
  if (verdict.verdict === 'worse') return { ...known, decision: 'rolled-back', why: text };
  if (verdict.verdict === 'better') return { ...known, decision: 'promoted', why: text };
  if (ended < (alias.auto?.promoteAfter ?? PROMOTE_AFTER)) return undefined;
  return { ...known, decision: 'promoted', why: `${text}; ${ended} invocations of ${canary} ended` };
}

function record({ audit, clock, logger, project }: AutoCanariesOptions, name: string, alias: FunctionAlias, decision: Decision): void {
  const now = clock.now();
  const action = decision.decision === 'promoted' ? 'canary.promote' : 'canary.rollback';
  const { project: other = project, bare } = splitName(name);
  const subject = `${bare}:!${alias.name}`;
  audit.add({
    ...{ at: now, until: now, project: other, by: 'sequent', action, subject },
    ...{ status: 200, requestId: '', count: 1, why: decision.why },
  });
  logger.info({ function: name, alias: alias.name, ...decision }, `the canary ${subject} was ${decision.decision}: ${decision.why}`);
}
