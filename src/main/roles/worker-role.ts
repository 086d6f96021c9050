import { workerName } from '#src/client/worker.ts';
import type { Destinations } from '#src/destinations/destinations.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createHost } from '#src/hosts/host.ts';
import { createHttpHost } from '#src/hosts/http-host.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { createPackageCache } from '#src/hosts/package-cache.ts';
import { createProcessHost } from '#src/hosts/process-host.ts';
import { MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { createSubjectHost } from '#src/hosts/subject-host.ts';
import { createNatsRequester } from '#src/nats/transport/requester.ts';
import { traceHost } from '#src/tracing/host.ts';
import { startWorker, type Worker } from '#src/worker/worker.ts';
import { commonPorts, type RoleContext } from './role-context.ts';
import { createVettedFetch } from './vetted-fetch.ts';

/** Runs all kinds of handlers but inline handlers, which run in the users' own workers. */
export function startWorkerRole(context: RoleContext, destinations: Destinations | undefined): Worker {
  const name = workerName();
  return startWorker({
    ...commonPorts(context, name),
    worker: name,
    host: hostOf(context),
    deliverer: destinations?.deliverer,
    canRun: ({ handler }) => handler.kind !== 'inline',
  });
}

function hostOf({ options, ports, rules, tracer }: RoleContext) {
  const { tenancy, codeDir, requester, connection } = options;
  const hosts = {
    process: createProcessHost({ tenancy, packages: createPackageCache({ packages: ports.packages, folder: codeDir }) }),
    subject: createSubjectHost({ request: createNatsRequester(requester ?? connection) }),
    http: createHttpHost({ fetch, vetted: createVettedFetch(createVettedHttp({ maxBodyBytes: MAX_RESULT_BYTES + 1 })) }),
    inline: createInlineHost(new Map()),
  };
  return traceHost(createHost(hosts, rules), tracer);
}
