import { readFileSync } from 'node:fs';
import type { ClientOp, Evidence, Execution, RawMessage } from '#src/judge/evidence.ts';
import type { Row } from '#src/judge/write-evidence.ts';

/** Reads what `writeEvidence` wrote. */
export function readEvidence(file: string): Evidence {
  const rows = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  const all = { log: [], results: [], client: [], executions: [] } as { [Key in 'log' | 'results']: RawMessage[] } & {
    client: ClientOp[];
    executions: Execution[];
  };
  let facts: Partial<Evidence> = {};
  for (const row of rows) {
    if ('log' in row) all.log.push(row.log);
    else if ('result' in row) all.results.push(row.result);
    else if ('client' in row) all.client.push(row.client);
    else if ('execution' in row) all.executions.push(row.execution);
    else facts = row as Partial<Evidence>;
  }
  // Without a line, nobody wrote executions down: that differs from functions that executed nothing.
  const { executions, ...rest } = all;
  return { ...facts, ...rest, ...(executions.length === 0 ? {} : { executions }) };
}
