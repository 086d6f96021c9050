import { access } from 'node:fs/promises';
import { Command } from 'commander';
import { type OutputStream, plain, widthOf } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import { messageOf } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import type { HistoryStatus } from '#src/core/history-questions.ts';
import type { LogLoss } from '#src/core/log/log-loss.ts';
import { unknownInSilence } from '#src/core/no-answer-error.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { action, type Call } from '../../call.ts';
import { durabilityOf } from '../../durability.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { explainTarget, findTarget, type Target } from '../../session.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';
import { judge } from './findings.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Examines the server, the streams, the roles, the functions and the clocks.')
    .option('--replicas', 'also compare the replicas of the log: their messages, and the content of samples')
    .addHelpText('after', examples)
    .action(action(doctor));
}

const examples = `
Examples:
  sequent doctor
  sequent doctor --replicas
  sequent doctor --json | jq '.findings[] | select(.level != "ok")'

Exit codes: 0 no problem, 1 problems, 6 NATS cannot be reached or JetStream is off.`;

async function doctor(call: Call<{ replicas?: true }>): Promise<ExitCode> {
  const { terminal, format } = call;
  const target = await findTarget(call.options);
  const { openConnection } = await import('#src/nats/transport/connection.ts');
  const connection = await openConnection(target.options).catch(explainTarget(target));
  try {
    const examined = await examine(connection, target, call.options.replicas === true);
    const findings = judge(examined);
    const isHealthy = findings.every(({ level }) => level !== 'problem');
    const { inspection, durability } = examined;
    if (format === 'json') terminal.out.line(JSON.stringify({ healthy: isHealthy, ...inspection, durability, findings }, null, 2));
    else if (format === 'jsonl') for (const finding of findings) terminal.out.line(JSON.stringify(finding));
    else if (format === 'name') terminal.out.line(isHealthy ? 'healthy' : 'unhealthy');
    else for (const line of draw(examined, findings, terminal.out)) terminal.out.line(line);
    return isHealthy ? exitCodes.ok : exitCodes.failed;
  } finally {
    await connection.close();
  }
}

async function compareReplicas(connection: Connection): Promise<Examined['replicas']> {
  const { examineReplicas } = await import('#src/nats/replicas/examine-replicas.ts');
  return (await examineReplicas(connection)) ?? 'one replica';
}

async function examine(connection: Connection, { dataDir }: Target, withReplicas: boolean): Promise<Examined> {
  const { inspect, readAccount } = await import('#src/nats/inspection.ts');
  const { createNatsRoleInstances } = await import('#src/nats/questions/role-instances.ts');
  const { findRunningServer } = await import('#src/main/nats-server/running.ts');
  const inspection = await inspect(connection);
  const own = await findRunningServer(dataDir);
  const isOwn = own !== undefined && portOf(own.url) === portOf(inspection.server.url);
  const registry = await readRegistry(connection);
  const functions = 'functions' in registry ? registry.functions : [];
  const projections = await readProjections(connection);
  return {
    inspection,
    account: await readAccount(connection),
    durability: durabilityOf(isOwn ? own.fsync : undefined),
    registry,
    schedules: await readSchedules(connection),
    pools: await readPools(connection, functions, inspection.consumers),
    quotas: projections.length === 0 ? undefined : await readQuotas(connection),
    missingFiles: await missingFiles(functions),
    instances: await createNatsRoleInstances(connection).list().catch(unknownInSilence),
    projections,
    failing: projections.length === 0 ? undefined : await readFailing(connection),
    plainRequests: projections.length === 0 ? undefined : await findPlainRequests(connection),
    losses: await readLosses(connection),
    replicas: withReplicas ? await compareReplicas(connection) : undefined,
  };
}

/** Without the state bucket, Sequent never ran on the server, and the missing stream is a finding. */
async function readLosses(connection: Connection): Promise<LogLoss[]> {
  const { createLossBook } = await import('#src/core/log/loss-book.ts');
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
  try {
    const losses = await createLossBook(await openKeyValue(connection, STATE_BUCKET)).list();
    return losses.filter(({ acknowledged }) => acknowledged === undefined);
  } catch {
    return [];
  }
}

async function readProjections(connection: Connection): Promise<HistoryStatus[]> {
  const { createNatsHistory } = await import('#src/nats/questions/history-service.ts');
  const history = createNatsHistory(connection);
  // A projection that runs and does not answer is a finding, as a missing one is.
  const instances = (await history.instances().catch(unknownInSilence)) ?? [];
  const found = await Promise.all(instances.map((instance) => history.ask('status', {}, { instance }).catch(() => undefined)));
  return found.filter((status) => status !== undefined);
}

async function readFailing(connection: Connection): Promise<Examined['failing']> {
  const { createNatsHistory } = await import('#src/nats/questions/history-service.ts');
  const { readFailingPlatforms } = await import('#src/analysis/platform-failures.ts');
  const history = createNatsHistory(connection);
  return await readFailingPlatforms((query) => history.ask('list', query)).catch(() => undefined);
}

async function findPlainRequests(connection: Connection): Promise<Examined['plainRequests']> {
  const { createNatsHistory } = await import('#src/nats/questions/history-service.ts');
  const { readPlainRequests } = await import('#src/analysis/plain-requests.ts');
  const { listProjects } = await import('#src/core/encryption/change-project.ts');
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { FUNCTIONS_BUCKET } = await import('#src/nats/wire/topology.ts');
  const history = createNatsHistory(connection);
  const find = async (): Promise<Examined['plainRequests']> => {
    const projects = await listProjects(await openKeyValue(connection, FUNCTIONS_BUCKET));
    const encrypting = projects.filter(({ payloads }) => payloads === 'encrypted');
    return await readPlainRequests((query) => history.ask('list', query), encrypting);
  };
  return await find().catch(() => undefined);
}

async function readRegistry(connection: Connection): Promise<Examined['registry']> {
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { createFunctionRegistry } = await import('#src/functions/registry.ts');
  const { FUNCTIONS_BUCKET } = await import('#src/nats/wire/topology.ts');
  try {
    return { functions: await createFunctionRegistry(await openKeyValue(connection, FUNCTIONS_BUCKET)).list() };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

/** Without the buckets, Sequent never ran on the server, and their streams are findings. */
async function readSchedules(connection: Connection): Promise<Examined['schedules']> {
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { createScheduleStates } = await import('#src/functions/schedule-states.ts');
  const { FUNCTIONS_BUCKET, STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
  const read = async () => {
    const [store, state] = await Promise.all([openKeyValue(connection, FUNCTIONS_BUCKET), openKeyValue(connection, STATE_BUCKET)]);
    return await createScheduleStates({ store, state, clock: { now: Date.now } }).list(0);
  };
  return await read().catch(() => undefined);
}

async function readPools(
  connection: Connection,
  functions: readonly RegisteredFunction[],
  consumers: Examined['inspection']['consumers'],
): Promise<Examined['pools']> {
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { createClientFlow } = await import('#src/client/flow.ts');
  const { createClientHistory } = await import('#src/client/history.ts');
  const { createNatsHistory } = await import('#src/nats/questions/history-service.ts');
  const { FLOW_BUCKET } = await import('#src/nats/wire/topology.ts');
  const read = async () => {
    const ledger = await openKeyValue(connection, FLOW_BUCKET);
    const history = createClientHistory(createNatsHistory(connection));
    const flow = createClientFlow({ ledger, functions: { list: async () => functions }, history, consumers: async () => consumers });
    return await flow.pools();
  };
  return await read().catch(() => undefined);
}

/** The open invocations are counted up to the quota, by the read model. */
async function readQuotas(connection: Connection): Promise<Examined['quotas']> {
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { listQuotas } = await import('#src/core/quotas/change-quota.ts');
  const { createNatsHistory } = await import('#src/nats/questions/history-service.ts');
  const { FUNCTIONS_BUCKET } = await import('#src/nats/wire/topology.ts');
  const history = createNatsHistory(connection);
  const read = async () => {
    const quotas = await listQuotas(await openKeyValue(connection, FUNCTIONS_BUCKET));
    const counted = quotas.map(async ({ project, quota: { open: limit } }) => {
      if (limit === undefined) return [];
      const most = Math.min(1_000_000, Math.max(1, limit));
      const { count } = await history.ask('count', { project: project ?? '', state: OPEN, most });
      return [{ project, open: count, limit }];
    });
    return (await Promise.all(counted)).flat();
  };
  return await read().catch(() => undefined);
}

async function missingFiles(functions: readonly RegisteredFunction[]): Promise<{ name: string; file: string }[]> {
  const missing: { name: string; file: string }[] = [];
  for (const { definition } of functions) {
    if (definition.handler.kind !== 'process') continue;
    const { file } = definition.handler;
    await access(file).catch(() => missing.push({ name: definition.name, file }));
  }
  return missing;
}

const OPEN: ('queued' | 'running' | 'retrying' | 'succeeded' | 'failed')[] = ['queued', 'running', 'retrying', 'succeeded', 'failed'];
const portOf = (url: string): string => url.split(':').at(-1) ?? '';

const signs = {
  ok: { unicode: '✔', ascii: 'ok', colour: 'green' },
  note: { unicode: '●', ascii: '--', colour: 'yellow' },
  problem: { unicode: '✖', ascii: '!!', colour: 'red' },
} as const;

function draw({ inspection }: Examined, findings: readonly Finding[], output: OutputStream): string[] {
  const { paint, isUnicode } = output;
  const { url, name } = inspection.server;
  const width = Math.max(...findings.map(({ check }) => widthOf(check)));
  const lines = findings.flatMap(({ level, check, seen, remedy }) => {
    const { unicode, ascii, colour } = signs[level];
    const sign = paint[colour](isUnicode ? unicode : ascii);
    const line = `${sign} ${check}${' '.repeat(width - widthOf(check))}  ${plain(seen)}`;
    return remedy === undefined
      ? [line]
      : [line, `${' '.repeat((isUnicode ? 1 : 2) + width + 3)}${paint.dim(say('try: {remedy}', { remedy: plain(remedy) }))}`];
  });
  const problems = findings.filter(({ level }) => level === 'problem').length;
  const notes = findings.filter(({ level }) => level === 'note').length;
  const verdict =
    problems > 0
      ? paint.red(problems === 1 ? say('1 problem') : say('{count} problems', { count: problems }))
      : paint.green(say('no problem'));
  return [
    `${paint.bold(plain(url))}  ${paint.dim(plain(name))}`,
    '',
    ...lines,
    '',
    verdict + (notes === 0 ? '' : notes === 1 ? say(', 1 note') : say(', {count} notes', { count: notes })),
  ];
}
