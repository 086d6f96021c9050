import { Trace } from '#src/analysis/verify/trace.ts';
import type { RawMessage } from '#src/judge/evidence.ts';
import { dueAtOf, readLives, requestsIn } from '#src/judge/read-lives.ts';

/*
 * Every log is a trace: reads the raw messages of a log, and follows each invocation and batch in the specification. No decoder and no fold of
 * the product takes part. Each log of a test is read so when its server ends (`test/support/nats/nats-server.ts`).
 */

/**
 * Returns where a log leaves the specification, once for each invocation; empty when it is a trace. `isLossy`: the log may hold appends that
 * follow a lost message, and those of writers that state no version. They count for no reader.
 */
export function validate(log: readonly RawMessage[], { isLossy = false } = {}): string[] {
  const problems: string[] = [];
  const requests = log.flatMap(requestsIn);
  for (const { request, facts } of readLives({ log, client: [], isLossy }, requests, (rule, what) => problems.push(`${rule}: ${what}`))) {
    const trace = new Trace({ id: request.id, isBatch: request.headers.Batch === 'opens' && !request.isOfClient, dueAt: dueAtOf(request) });
    for (const fact of facts) {
      const problem = trace.read(fact);
      if (problem === undefined) continue;
      problems.push(`${request.fn} ${request.id} leaves the specification at message ${fact.sequence}: ${problem}`);
      break;
    }
  }
  return problems;
}
