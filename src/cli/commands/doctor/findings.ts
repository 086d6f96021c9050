import { stuckKeys, stuckKeysInWords } from '#src/analysis/explain/stuck-pools.ts';
import { formatBytes } from '#src/cli/print/format.ts';
import { say, translated } from '#src/cli/texts/say.ts';
import type { PoolState } from '#src/client/state/flow.ts';
import { tokenOfPool } from '#src/core/functions/pool-names.ts';
import { CANNOT_FOLLOW, DAMAGED, type HistoryStatus } from '#src/core/history-questions.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { Inspection } from '#src/nats/inspection.ts';
import { judgeWhatCanBeLost } from './can-lose.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';
import { judgeDeadLetters, judgeFunctions, judgeRegistry, judgeTargets, judgeUntold, judgeWaysOn } from './function-findings.ts';
import {
  judgeCircuits,
  judgeFiles,
  judgeIsolation,
  judgeKeys,
  judgeLoad,
  judgePlainRequests,
  judgeProcessors,
  judgeRoles,
  judgeScheduler,
  judgeThreads,
  judgeVersions,
} from './process-findings.ts';
import { judgeSchedules } from './schedule-findings.ts';
import { judgeLosses, judgeRefusals, judgeReplicas, judgeStorage, judgeStreams, messagesOf } from './stream-findings.ts';

/** Judges the observations as of `now`. A pure function, so that every judgement can be tested. */
export function judge(examined: Examined, now = Date.now()): Finding[] {
  const { inspection, durability } = examined;
  return [
    judgeVersion(inspection.server.version),
    { level: 'ok', check: 'JetStream', seen: say('on') },
    durability.class === '100ms' || durability.class === 'always'
      ? { level: 'ok', check: say('durability'), seen: translated(durability.words) }
      : {
          level: 'note',
          check: say('durability'),
          seen: translated(durability.words),
          remedy: say('run with --fsync 100ms or always, or set sync_interval in the jetstream block of the server'),
        },
    ...judgeWhatCanBeLost(examined),
    ...judgeAccount(examined.account),
    judgePayload(inspection.server.maxPayloadInBytes),
    judgeClock(inspection.server),
    ...judgeClocksOf(examined.instances),
    ...judgeVersions(examined.instances),
    ...judgeLoad(examined.instances),
    ...judgeProcessors(examined.instances),
    ...judgeThreads(examined.instances),
    ...judgeCircuits(examined.instances),
    ...judgeIsolation(examined.instances),
    ...judgeFiles(examined.instances),
    ...judgeKeys(examined.instances),
    ...judgePlainRequests(examined.plainRequests, now),
    judgeStorage(inspection.storage),
    ...judgeStreams(inspection.streams),
    ...judgeRefusals(examined, now),
    ...judgeLosses(examined.losses),
    ...judgeReplicas(examined.replicas),
    judgeScheduler(examined),
    ...judgeRoles(examined),
    ...judgeProjections(examined.projections, now),
    ...judgeRegistry(examined),
    ...judgeTargets(examined.missingTargets),
    ...judgeUntold(examined, now),
    ...judgeFunctions(examined, now),
    ...judgeWaysOn(examined.withoutWayOn),
    ...judgeDeadLetters(examined.deadLetters),
    ...judgeSchedules(examined, now),
    ...judgeFlow(examined, now),
    ...judgeQuotas(examined),
  ];
}

const MAX_LAG_IN_MS = 5_000;

/** A file that was damaged was rebuilt. The disk that damaged it still needs a person. */
const REPORT_REBUILDS_FOR_MS = 86_400_000;
/** A projection that fails begins again within this time. */
const REPORT_FAILURES_FOR_MS = 120_000;

function judgeDamage({ check, seen }: Pick<Finding, 'check' | 'seen'>, { at, why }: HistoryStatus['rebuilds'][number]): Finding {
  const values = { seen, time: new Date(at).toISOString(), why };
  return {
    level: 'note',
    check,
    seen: say('{seen}; rebuilt from the log at {time}: {why}', values),
    remedy: say('sequent projection check; examine the disk of that machine'),
  };
}

export function judgeProjections(projections: Examined['projections'], now: number): Finding[] {
  if (projections === undefined) return [];
  if (projections.length === 0) {
    return [
      {
        level: 'problem',
        check: 'projection',
        seen: say('no projection answers: ls, get, stats and tree do not work'),
        remedy: 'sequent serve --role projection',
      },
    ];
  }
  return projections.map(({ instance, lag, lagInMs, problems, rebuild, rebuilds }): Finding => {
    const check = `projection ${instance}`;
    const seen = progressInWords({ lag, lagInMs, problems });
    const rebuilt = rebuilds.findLast(({ at, why }) => now - at < REPORT_REBUILDS_FOR_MS && why.startsWith(DAMAGED));
    if (rebuilt !== undefined) return judgeDamage({ check, seen }, rebuilt);
    const failed = rebuilds.findLast(({ why }) => why.startsWith(CANNOT_FOLLOW));
    if (failed !== undefined && lag > 0 && now - failed.at < REPORT_FAILURES_FOR_MS) {
      const remedy = say('make room on the disk of its data folder (df), or see the log of that process');
      return { level: 'problem', check, seen: say('{seen}; it is started again and again: {why}', { seen, why: failed.why }), remedy };
    }
    if (rebuild !== null) {
      const rebuilding = say('{seen}; a rebuild is at {percent} %', { seen, percent: rebuild.percent });
      return { level: 'note', check, seen: rebuilding, remedy: 'sequent projection status' };
    }
    if (problems > 0) return { level: 'note', check, seen, remedy: say('sequent verify, which lists them') };
    return lagInMs > MAX_LAG_IN_MS
      ? { level: 'note', check, seen, remedy: say('sequent projection status, until it has caught up') }
      : { level: 'ok', check, seen };
  });
}

function progressInWords({ lag, lagInMs, problems }: Pick<HistoryStatus, 'lag' | 'lagInMs' | 'problems'>): string {
  const behind =
    lag === 0
      ? say('has read the whole log')
      : say('{messages} behind the log, {duration}', { messages: messagesOf(lag), duration: formatDuration(lagInMs) });
  if (problems === 0) return behind;
  if (problems === 1) return say('{behind}; 1 entry could not be folded', { behind });
  return say('{behind}; {count} entries could not be folded', { behind, count: problems });
}

export function judgeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  const check = say('server version');
  if (major < 2 || (major === 2 && minor < 10)) {
    return {
      level: 'problem',
      check,
      seen: say('{version}, and Sequent needs 2.10', { version }),
      remedy: say('upgrade nats-server to 2.12 or newer'),
    };
  }
  if (major === 2 && minor < 12) {
    return {
      level: 'note',
      check,
      seen: say('{version}: works; 2.12 or newer is recommended for production', { version }),
      remedy: say('plan an upgrade: 2.10 gets no more fixes'),
    };
  }
  return { level: 'ok', check, seen: version };
}

/** One message holds a request, its outcome and their envelope. */
const SMALLEST_PAYLOAD = 1_048_576;

function judgePayload(bytes: number): Finding {
  const check = say('max payload');
  if (bytes >= SMALLEST_PAYLOAD) return { level: 'ok', check, seen: formatBytes(bytes) };
  return {
    level: 'problem',
    check,
    seen: say('{size}: large requests and results do not fit', { size: formatBytes(bytes) }),
    remedy: say('set max_payload: 1MB on the server'),
  };
}

const SKEW_NOTED_MS = 1_000;
const SKEW_BAD_MS = 30_000;

function judgeClock({ clockAheadInMs, roundTripInMs }: Inspection['server']): Finding {
  const check = say('clocks');
  if (clockAheadInMs === undefined) return { level: 'note', check, seen: say('the server does not report its time') };
  const skew = Math.abs(clockAheadInMs);
  const values = { skew: formatDuration(skew), trip: formatDuration(roundTripInMs) };
  const differs =
    clockAheadInMs > 0
      ? say('the server is {skew} ahead of this machine (round trip {trip})', values)
      : say('the server is {skew} behind this machine (round trip {trip})', values);
  const seen = skew <= Math.max(5, roundTripInMs) ? say('the server and this machine agree (round trip {trip})', values) : differs;
  if (skew < SKEW_NOTED_MS) return { level: 'ok', check, seen };
  const remedy = say('synchronise the clocks (chrony, systemd-timesyncd)');
  return { level: skew < SKEW_BAD_MS ? 'note' : 'problem', check, seen, remedy };
}

/** The clock of each process that differs from the server's, as the process measured it. */
function judgeClocksOf(instances: Examined['instances'] = []): Finding[] {
  return instances.flatMap(({ roles, host, pid, clockAheadInMs, clockUncertaintyInMs = 0, takesWork = true }): Finding[] => {
    const process = { host, who: say('{roles}, process {pid}', { roles: roles.join(', '), pid }), takesWork };
    if (clockAheadInMs === undefined) return takesWork ? [] : [unknownTime(process)];
    if (takesWork && Math.abs(clockAheadInMs) - clockUncertaintyInMs < SKEW_NOTED_MS) return [];
    return [wrongTime(clockAheadInMs, process)];
  });
}

function wrongTime(aheadInMs: number, { host, who, takesWork }: { host: string; who: string; takesWork: boolean }): Finding {
  const values = { skew: formatDuration(Math.abs(aheadInMs)), who };
  const seen = aheadInMs > 0 ? say('{skew} ahead of the server ({who})', values) : say('{skew} behind the server ({who})', values);
  return {
    level: takesWork ? 'note' : 'problem',
    check: say('clock of {host}', { host }),
    seen: takesWork ? say("{seen}: it uses the server's time", { seen }) : say('{seen}: it takes no work', { seen }),
    remedy: say('synchronise the clock of that machine (chrony, systemd-timesyncd)'),
  };
}

function unknownTime({ host, who }: { host: string; who: string }): Finding {
  const seen = say('the server did not send its time ({who}): it takes no work', { who });
  const remedy = say('see the log of that process: NATS does not answer it');
  return { level: 'problem', check: say('clock of {host}', { host }), seen, remedy };
}

/**
 * Judges the account of Sequent. The global account can share no subject with an account of clients, so its clients are in it, or there are
 * none (ACC1). Where a server knows its users, somebody gave them rights that do not hold: that is a problem.
 */
function judgeAccount(account: Examined['account']): Finding[] {
  if (account === undefined) return [];
  const check = say('account of clients');
  const { name, isGlobal, hasUsers } = account;
  if (!isGlobal) return [{ level: 'ok', check, seen: say('Sequent is in the account {name}; keep clients in another one', { name }) }];
  return [
    {
      level: hasUsers ? 'problem' : 'note',
      check,
      seen: say('clients share the account of Sequent: one that may publish requests can purge the log and overwrite functions and keys'),
      remedy: hasUsers
        ? say('sequent nats-config FOLDER --plan prints the steps, for the folder of its keys; docs/deployment.md, "Accounts"')
        : say('the server asks nobody for a user: see docs/deployment.md, "Keys of NATS"'),
    },
  ];
}

/** One line for each project that has as many open invocations as its quota allows. The others share one line. */
export function judgeQuotas({ quotas = [] }: Examined): Finding[] {
  const full = quotas.filter(({ open, limit }) => open >= limit);
  const found = full.map(({ project, open, limit }): Finding => {
    const name = project ?? say('the own project');
    return {
      level: 'problem',
      check: say('quota of {name}', { name }),
      seen: say('{open} invocations are open; the quota is {limit}, so its requests over HTTP are refused', { open, limit }),
      remedy: say('sequent ls --state queued,retrying shows what is open; sequent project quota changes the quota'),
    };
  });
  const well = quotas.length - full.length;
  if (well === 0) return found;
  const seen =
    well === 1
      ? say('1 quota of open invocations is not reached')
      : say('{count} quotas of open invocations are not reached', { count: well });
  return [{ level: 'ok', check: say('quotas'), seen }, ...found];
}

/** One line for each pool in which invocations wait although slots are free. The others share one line. */
function judgeFlow({ pools = [] }: Examined, now: number): Finding[] {
  const found = pools.flatMap((pool): Finding[] => {
    const stuck = stuckKeys(pool, now);
    if (stuck === undefined) return [];
    const name = tokenOfPool(pool.pool);
    const remedy = say('sequent flow ls {name}, and whether a scheduler and a worker run', { name });
    return [{ level: 'problem', check: say('flow of {name}', { name }), seen: stuckKeysInWords(stuck, now), remedy }];
  });
  const well = pools.length - found.length;
  if (well === 0) return found;
  const sum = (count: (pool: PoolState) => number): number => pools.reduce((all, pool) => all + count(pool), 0);
  const counts = { running: sum(({ running }) => running), waiting: sum(({ waiting }) => waiting) };
  const seen =
    pools.length === 1
      ? say('1 pool of slots, {running} running, {waiting} waiting', counts)
      : say('{count} pools of slots, {running} running, {waiting} waiting', { ...counts, count: pools.length });
  return [{ level: 'ok', check: say('flow'), seen }, ...found];
}
