import type { AutomaticEnd } from '#src/analysis/canary/automatic-end.ts';
import { type CanaryVerdict, countsByVersion, judgeCanary, judgedInvocations } from '#src/analysis/canary/judge-canary.ts';
import type { ClientHistory } from '#src/client/history/history.ts';
import { messageOf } from '#src/core/errors.ts';
import type { CanaryDecision, FunctionAlias, FunctionEntry } from '#src/core/functions/entry.ts';
import { type FunctionName, splitName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { AuditEntry, AuditLog } from '#src/core/ports/stores/audit-log.ts';
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
  /** Tells whether another gateway said that a canary is undecided. */
  auditLog: Pick<AuditLog, 'read' | 'append'>;
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
 * 2. Without either verdict, a canary is promoted after `promoteAfter` ended invocations, and only when the test excludes that it is worse by
 *    the margin (CAN5). Until then it stays, and the audit log gets one entry, `canary.undecided`, for each change of its weights.
 * 3. The decision and the new shares are one write of the registry, by compare-and-set. Of several gateways one decides, and each decision
 *    is a message on the subject of the function's entry.
 * 4. The gateway that decided adds an entry to the audit log after that write.
 * 5. Without an answer of the history nothing is decided. The next round asks again.
 */
export async function decideCanaries(options: AutoCanariesOptions): Promise<void> {
  const { functions, clock, logger, signal } = options;
  const problems = new Set<string>();
  const announced = new Set<string>();
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
      await decideOne({ ...options, announced }, entry, alias).catch((error: unknown) =>
        warn(entry.definition.name, alias.name, messageOf(error)),
      );
    }
    await clock.sleep(JUDGE_EVERY_MS, signal);
  }
}

function automaticAliases(entry: FunctionEntry | undefined): [FunctionEntry, FunctionAlias][] {
  if (entry === undefined) return [];
  return entry.aliases.filter(({ auto }) => auto !== undefined && auto !== null).map((alias) => [entry, alias]);
}

/** `announced`: the undecided canaries that have an entry in the audit log. */
type Deciding = AutoCanariesOptions & { announced: Set<string> };

async function decideOne(options: Deciding, { definition }: FunctionEntry, alias: FunctionAlias): Promise<void> {
  const { name } = definition;
  const { project, bare } = splitName(name);
  const rows = await options.history.stats({ function: name, project: project ?? '', ...judgedInvocations(alias), by: 'version' });
  // Readers of the registry and of the audit log have no common language.
  const [verdict] = inLanguage('en', () => judgeCanary(bare, alias, countsByVersion(rows)));
  if (verdict?.automatic === undefined) return;
  const { automatic } = verdict;
  if (automatic.kind === 'undecided') return await announce(options, { name, alias, automatic });
  const decision = decisionOf({ ...verdict, automatic }, alias);
  if (decision === undefined) return;
  const decided = await options.registry.decideCanary(name, alias.name, decision);
  if (decided !== undefined) record(options, name, alias, decision);
}

type Decision = Omit<CanaryDecision, 'at'>;

/** `undefined` while the canary goes on. */
function decisionOf(
  { version: canary, main, weight, automatic }: CanaryVerdict & { automatic: AutomaticEnd },
  { weightedAt: since }: FunctionAlias,
): Decision | undefined {
  if (automatic.kind === 'collecting' || automatic.kind === 'undecided') return undefined;
  const { kind: decision, p, why } = automatic;
  return { canary, main, weight, since, p, decision, why };
}

function record({ audit, clock, logger, project }: AutoCanariesOptions, name: string, alias: FunctionAlias, decision: Decision): void {
  const action = decision.decision === 'promoted' ? 'canary.promote' : 'canary.rollback';
  const entry = entryOf({ name, alias, action, why: decision.why, own: project }, clock.now());
  audit.add(entry);
  const text = `the canary ${entry.subject} was ${decision.decision}: ${decision.why}`;
  logger.info({ function: name, alias: alias.name, ...decision }, text);
}

const UNDECIDED = 'canary.undecided';

type Undecided = { name: string; alias: FunctionAlias; automatic: Extract<AutomaticEnd, { kind: 'undecided' }> };

/**
 * Adds an entry to the audit log, unless it has one since the weights were set. Two gateways that add it at one moment send one message id,
 * which JetStream stores once.
 */
async function announce({ announced, auditLog, clock, logger, project }: Deciding, { name, alias, automatic }: Undecided): Promise<void> {
  const { weightedAt: since } = alias;
  const id = `${UNDECIDED}/${name}:!${alias.name}/${since}`;
  if (announced.has(id)) return;
  const why = `${automatic.text}. To decide: ${automatic.commands.join(', or ')}`;
  const entry = entryOf({ name, alias, action: UNDECIDED, why, own: project }, clock.now());
  const found = await auditLog.read({ project: entry.project, since, by: entry.by, action: UNDECIDED }, MAX_KNOWN_PROBLEMS);
  if (!found.some(({ subject }) => subject === entry.subject)) {
    if (!(await auditLog.append({ id, project: entry.project, entries: [entry] }))) return;
    logger.warn({ function: name, alias: alias.name }, `the canary ${entry.subject} is undecided: ${why}`);
  }
  if (announced.size >= MAX_KNOWN_PROBLEMS) announced.clear();
  announced.add(id);
}

type Recorded = { name: string; alias: FunctionAlias; action: string; why: string; own: string };

function entryOf({ name, alias, action, why, own }: Recorded, now: number): AuditEntry {
  const { project = own, bare } = splitName(name);
  const subject = `${bare}:!${alias.name}`;
  return { at: now, until: now, project, by: 'sequent', action, subject, status: 200, requestId: '', count: 1, why };
}
