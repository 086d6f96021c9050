import { workerName } from '#src/client/worker.ts';
import type { Destinations } from '#src/destinations/destinations.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createHost } from '#src/hosts/host.ts';
import { createHttpHost } from '#src/hosts/http-host.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { createIsolation, type Isolation } from '#src/hosts/isolation/isolation.ts';
import { type IsolationPlan, planIsolation } from '#src/hosts/isolation/plan.ts';
import { probeAbilities } from '#src/hosts/isolation/probe.ts';
import { createProjectUids } from '#src/hosts/isolation/project-uids.ts';
import { createPackageCache } from '#src/hosts/package-cache.ts';
import { createProcessHost } from '#src/hosts/process-host.ts';
import { MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { createSubjectHost } from '#src/hosts/subject-host.ts';
import { createNatsRequester } from '#src/nats/transport/requester.ts';
import { traceHost } from '#src/tracing/host.ts';
import { startWorker, type Worker } from '#src/worker/worker.ts';
import { commonPorts, type RoleContext } from './role-context.ts';
import { createVettedFetch, ownReach } from './vetted-fetch.ts';

export type StartedWorker = { worker: Worker; isolation: string };

/** Runs all kinds of handlers but inline handlers, which run in the users' own workers. */
export async function startWorkerRole(context: RoleContext, destinations: Destinations | undefined): Promise<StartedWorker> {
  const name = workerName();
  const plan = await planFor(context);
  const worker = startWorker({
    ...commonPorts(context, name),
    worker: name,
    host: hostOf(context, plan),
    deliverer: destinations?.deliverer,
    canRun: ({ handler }) => handler.kind !== 'inline',
  });
  return { worker, isolation: plan.summary };
}

const DEFAULT_UIDS = { first: 100_000, last: 165_535 };

async function planFor({ options: { isolation = {}, logger } }: RoleContext): Promise<IsolationPlan> {
  const { mode = 'require', uids = DEFAULT_UIDS } = isolation;
  const plan = planIsolation(mode, await probeAbilities(uids.first));
  logger.info({}, `isolation: ${plan.summary}`);
  return plan;
}

function isolationBy(plan: IsolationPlan, { options, ports }: RoleContext): Isolation {
  const { uids = DEFAULT_UIDS, networkProjects = [] } = options.isolation ?? {};
  return createIsolation({ plan, uidOf: createProjectUids(ports.state, uids), networkProjects });
}

function hostOf(context: RoleContext, plan: IsolationPlan) {
  const { options, ports, rules, tracer } = context;
  const { tenancy, requester, connection } = options;
  // Other users cannot enter the data folder. A temporary folder of code is open to them, and hides its names.
  const folder = plan.level === 'user' ? undefined : options.codeDir;
  const http = createVettedHttp({ maxBodyBytes: MAX_RESULT_BYTES + 1 });
  const hosts = {
    process: createProcessHost({
      tenancy,
      packages: createPackageCache({ packages: ports.packages, folder }),
      isolation: isolationBy(plan, context),
    }),
    subject: createSubjectHost({ request: createNatsRequester(requester ?? connection) }),
    http: createHttpHost({ own: createVettedFetch(http, ownReach(options.httpHandlers ?? 'private')), others: createVettedFetch(http) }),
    inline: createInlineHost(new Map()),
  };
  return traceHost(createHost(hosts, rules), tracer);
}
