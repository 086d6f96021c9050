import type { Logger } from 'pino';
import { VERSION } from '#src/client/version.ts';
import type { Configuration } from '#src/main/config/configuration.ts';
import { serveProbes } from '#src/main/roles/probes.ts';
import type { Readiness } from '#src/main/roles/readiness.ts';
import { startTracing } from '#src/tracing/sdk.ts';

/** What supervisors and operators see of this process from outside: its probes and its spans. */
export type Reporting = { setReadiness(readiness: Readiness): void; end(): Promise<void> };

/** Starts both before the roles: a role takes its tracer when it starts, and until then the process is not ready. */
export async function startReporting({ probes: address, roles }: Configuration, log: Logger): Promise<Reporting> {
  const probes = address === undefined ? undefined : await serveProbes(address);
  const tracing = await startTracing({ version: VERSION, roles, onProblem: (problem) => log.warn({}, problem) });
  return {
    setReadiness: (readiness) => probes?.setReadiness(readiness),
    async end() {
      await tracing?.end();
      probes?.close();
    },
  };
}
