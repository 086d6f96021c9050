import { existsSync, readFileSync } from 'node:fs';
import { workerName } from '#src/client/worker/worker.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { createLargePayloads } from '#src/core/payloads/large-payloads.ts';
import type { ProcessorUse } from '#src/core/ports/questions/role-instances.ts';
import type { Destinations } from '#src/destinations/destinations.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { hostLayers } from '#src/hosts/around/host-layers.ts';
import { surroundHost } from '#src/hosts/around/layers.ts';
import { createUnsealingLayer } from '#src/hosts/around/unsealing-layer.ts';
import { createHost } from '#src/hosts/host.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { type Cgroups, openCgroups } from '#src/hosts/isolation/cgroups.ts';
import { createIsolation, type Isolation } from '#src/hosts/isolation/isolation.ts';
import { hasPermissionModel } from '#src/hosts/isolation/node-permissions.ts';
import { findOwnCgroup } from '#src/hosts/isolation/own-cgroup.ts';
import { enterOwnScope } from '#src/hosts/isolation/own-scope.ts';
import { type IsolationPlan, planIsolation } from '#src/hosts/isolation/plan.ts';
import { probeAbilities } from '#src/hosts/isolation/probe.ts';
import { createProjectUids } from '#src/hosts/isolation/project-uids.ts';
import { createPackageCache } from '#src/hosts/packages/package-cache.ts';
import { createProcessHost, DEFAULT_PROJECT_MEMORY_IN_MB } from '#src/hosts/pool/process-host.ts';
import { DEFAULT_PROJECT_PROCESSORS } from '#src/hosts/pool/processor-budget.ts';
import { createHttpHost } from '#src/hosts/remote/http-host.ts';
import { createSubjectHost } from '#src/hosts/remote/subject-host.ts';
import { MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { createNatsRequester } from '#src/nats/transport/requester.ts';
import { createTracingLayer } from '#src/tracing/host.ts';
import type { WorkerSlotsOptions } from '#src/worker/slots/worker-slots.ts';
import { startWorker, type Worker } from '#src/worker/worker.ts';
import { commonPorts, type RoleContext } from './role-context.ts';
import { type Redaction, readRedaction } from './threads/redaction.ts';
import { createVettedFetch, ownReach } from './vetted-fetch.ts';

export type StartedWorker = { worker: Worker; isolation: string; processorUse(): readonly ProcessorUse[] };

/** Runs all kinds of handlers but inline handlers, which run in the users' own workers. */
export async function startWorkerRole(context: RoleContext, destinations: Destinations | undefined): Promise<StartedWorker> {
  const name = workerName();
  const plan = await planFor(context);
  const { cgroups, limits } = await openLimits(context);
  const isolation = `${plan.summary}; ${limits}; ${permissionModelInWords(plan)}`;
  context.options.logger.info({}, `isolation: ${isolation}`);
  const { host, processes } = hostOf(context, { plan, cgroups, redaction: await readRedaction(context.options.redact) });
  const worker = startWorker({
    ...commonPorts(context, name),
    worker: name,
    emptyPayload: context.options.emptyPayload,
    host,
    deliverer: destinations?.deliverer,
    canRun: ({ handler }) => handler.kind !== 'inline',
    limit: limitOf(context),
  });
  return {
    worker,
    isolation,
    processorUse: () => processes.processorUse(),
  };
}

/** The slots that the functions of the worker share by the weights of their projects. */
function limitOf({ options: { workerSlots: size }, quotas }: RoleContext): WorkerSlotsOptions | undefined {
  return size === undefined ? undefined : { size, weightOf: (project) => quotas.of(project).weight ?? 1 };
}

const DEFAULT_UIDS = { first: 100_000, last: 165_535 };

async function planFor({ options: { isolation = {} } }: RoleContext): Promise<IsolationPlan> {
  const { mode = 'require', uids = DEFAULT_UIDS } = isolation;
  return planIsolation(mode, await probeAbilities(uids.first));
}

/**
 * Who counts the memory and the processes of functions: the kernel where this process has a cgroup of its own, or gets one from systemd; else
 * this process.
 */
async function openLimits({ options: { isolation = {} } }: RoleContext): Promise<{ cgroups?: Cgroups; limits: string }> {
  const fallback = (why: string) => ({ limits: `memory and processes are counted five times a second (${why})` });
  if (isolation.cgroups === 'off') return fallback('--cgroups off');
  let opened = openOwnCgroup();
  if ('why' in opened) {
    const entered = await enterOwnScope();
    if (entered !== true) return fallback(`${opened.why}; ${entered}`);
    opened = openOwnCgroup();
    if ('why' in opened) return fallback(opened.why);
  }
  return { ...opened, limits: 'the kernel limits memory and tasks, by one cgroup for each process' };
}

function openOwnCgroup(): ReturnType<typeof openCgroups> {
  const found = findOwnCgroup({ cgroup: contentOf('/proc/self/cgroup'), mounts: contentOf('/proc/self/mountinfo') });
  return 'why' in found ? found : openCgroups(found.folder);
}

function permissionModelInWords({ level }: IsolationPlan): string {
  if (level === 'none') return "Node's permission model is not used";
  return hasPermissionModel ? "Node's permission model is on" : `Node ${process.versions.node} has no permission model`;
}

/** Empty on a system without the file. */
function contentOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'latin1') : '';
}

function isolationBy(plan: IsolationPlan, { options, ports }: RoleContext): Isolation {
  const { uids = DEFAULT_UIDS, networkProjects = [], processProjects = [] } = options.isolation ?? {};
  return createIsolation({ plan, uidOf: createProjectUids(ports.state, uids), networkProjects, processProjects });
}

function memoryIn(bytes: number | undefined): number {
  return bytes === undefined ? DEFAULT_PROJECT_MEMORY_IN_MB : Math.floor(bytes / 1_048_576);
}

type HostParts = { plan: IsolationPlan; cgroups: Cgroups | undefined; redaction: Redaction | undefined };

function hostOf(context: RoleContext, { plan, cgroups, redaction }: HostParts) {
  const { options, ports, rules, tracer, quotas } = context;
  const { tenancy, requester, connection } = options;
  // Other users cannot enter the data folder. A temporary folder of code is open to them, and hides its names.
  const folder = plan.level === 'user' ? undefined : options.codeDir;
  const http = createVettedHttp({ maxBodyBytes: MAX_RESULT_BYTES + 1 });
  const processes = createProcessHost({
    tenancy,
    packages: createPackageCache({ packages: ports.packages, folder }),
    isolation: isolationBy(plan, context),
    cgroups,
    ...redaction,
    inspectorPort: options.inspectorPort,
    python: options.python,
    isDefined: (name) => context.functions.get(name as FunctionName) !== undefined,
    memoryOfProject: (project) => memoryIn(quotas.of(project).memoryBytes),
    processorsOfProject: (project) => quotas.of(project).processors ?? DEFAULT_PROJECT_PROCESSORS,
  });
  const hosts = {
    process: processes,
    subject: createSubjectHost({ request: createNatsRequester(requester ?? connection) }),
    http: createHttpHost({ own: createVettedFetch(http, ownReach(options.httpHandlers ?? 'private')), others: createVettedFetch(http) }),
    inline: createInlineHost(new Map()),
  };
  const { payloads, sealer } = context.encryption;
  const host = surroundHost(
    createHost(hosts, rules),
    hostLayers({
      tracing: createTracingLayer(tracer),
      large: createLargePayloads({ store: ports.payloadStore, payloads }),
      payloads,
      redact: redaction?.redact,
      unsealing: createUnsealingLayer('process', sealer),
      logger: options.logger,
    }),
  );
  return { host, processes };
}
