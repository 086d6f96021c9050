import { closeSync, openSync, writeSync } from 'node:fs';
import type { ClientOp, Evidence, Execution, RawMessage } from './evidence.ts';

/* Evidence as files: JSON lines, one for each message, operation and line of a function, and one for what is expected; and Jepsen's EDN. */

export type Row =
  | { log: RawMessage }
  | { result: RawMessage }
  | { client: ClientOp }
  | { execution: Execution }
  | { expected: Evidence['expected']; isOver: boolean | undefined; isLossy: boolean | undefined; cuts: number | undefined };

export function writeEvidence(
  file: string,
  { log, results = [], client, executions = [], expected, isOver, isLossy, cuts }: Evidence,
): void {
  const rows: Row[] = [
    { expected, isOver, isLossy, cuts },
    ...client.map((op) => ({ client: op })),
    ...executions.map((execution) => ({ execution })),
    ...log.map((message) => ({ log: message })),
    ...results.map((result) => ({ result })),
  ];
  // One text of all rows may be longer than a string can be.
  const opened = openSync(file, 'w');
  try {
    for (const row of rows) writeSync(opened, `${JSON.stringify(row)}\n`);
  } finally {
    closeSync(opened);
  }
}

/** The journal of the clients in Jepsen's EDN form, one operation a line, for Elle and Knossos. Times are nanoseconds since the first operation. */
export function encodeEdn(client: readonly ClientOp[]): string {
  const first = client[0]?.time ?? 0;
  const text = (value: string): string => JSON.stringify(value);
  return client
    .map(({ process, type, f, time, value: { ids = [], function: fn, notBefore, outcome, payload } }, index) => {
      const more = [
        notBefore === undefined ? '' : `, :not-before ${notBefore}`,
        outcome === undefined ? '' : `, :outcome :${outcome}`,
        payload === undefined ? '' : `, :payload ${text(payload)}`,
      ].join('');
      const value = `{:function ${text(fn)}, :ids [${ids.map(text).join(' ')}]${more}}`;
      return `{:index ${index}, :time ${(time - first) * 1_000_000}, :process ${process}, :type :${type}, :f :${f}, :value ${value}}\n`;
    })
    .join('');
}
