import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SequentClient } from '#src/client/client.ts';
import { Journal, readExecutions } from '#src/judge/collect.ts';
import type { Evidence, Expected } from '#src/judge/evidence.ts';
import { readStreams } from '#test/judge/read-server.ts';
import { LEDGER_CLOCKS_DIFFER_BY_MS } from '#test/support/log/flow-starts.ts';
import type { LogWatch } from '#test/support/log/log-watch.ts';

const file = new URL('writes.mjs', import.meta.url).pathname;
const backoff = { initialInMs: 20, factor: 1, maxInMs: 20, jitter: 0 };
const DELAY_IN_MS = 700;

/** What the judge expects of the functions below. */
const expected: Readonly<Record<string, Expected>> = {
  plain: {},
  limited: { limit: 2 },
  ordered: { limit: 1, key: 'key', isFifo: true },
  rated: { rate: { limit: 20, perInMs: 1_000, burst: 2, toleranceInMs: LEDGER_CLOCKS_DIFFER_BY_MS } },
  parent: {},
};

type System = { client: SequentClient; log: LogWatch; server: { url: string }; folder: string };

/** Runs invocations of each kind that the judge knows, until all are over, and returns all evidence of them. */
export async function collectEvidence({ client, log, server, folder }: System): Promise<Evidence> {
  const executions = join(folder, 'executions');
  await writeFile(executions, '');
  await defineFunctions(client, executions);
  const journal = new Journal();
  const ids: string[] = [];
  const invoke = async (name: string, count: number, more: object = {}): Promise<void> => {
    const events = Array.from({ length: count }, (_, number) => ({ number, key: `key-${number % 2}`, ms: 5, ...more }));
    const sent = await journal.record('submit', { function: name }, () => client.invokeMany(name, events), {
      seen: (invoked) => ({ ids: invoked.map(({ requestId }) => requestId) }),
    });
    ids.push(...sent.map(({ requestId }) => requestId));
  };
  await invoke('plain', 3, { fails: 1 });
  await invoke('plain', 1, { fails: 9 });
  await invoke('limited', 6);
  await invoke('ordered', 6);
  await invoke('rated', 6);
  await invoke('parent', 2);
  await invoke('gathered', 4);
  const notBefore = Date.now() + DELAY_IN_MS;
  const value = { function: 'plain', ids: ['delayed'], notBefore };
  await journal.record('submit', value, () => client.invoke('plain', { number: 1 }, { id: 'delayed', at: notBefore }));
  ids.push('delayed');
  await sendBatch(client, journal);
  await log.untilNotified([...ids, 'member-0', 'member-1', 'member-2'], 60_000);
  for (const id of ids.slice(0, 3)) await seeResult(client, journal, id);
  await untilAllOver(log);
  return { ...(await readStreams(server.url)), client: journal.ops, executions: readExecutions(executions), expected, isOver: true };
}

async function defineFunctions(client: SequentClient, executions: string): Promise<void> {
  const common = {
    handler: { kind: 'process', file } as const,
    userData: { executions },
    concurrency: 10,
    policy: { maxRetries: 1, backoff },
  };
  const child = { destination: 'FunctionGraph', param: { func_urn: 'urn:fss:local:default:function:default:child' } } as const;
  await client.functions.put({ name: 'plain', ...common });
  await client.functions.put({ name: 'child', ...common });
  await client.functions.put({ name: 'limited', ...common, flow: { concurrency: 2 } });
  await client.functions.put({ name: 'ordered', ...common, flow: { concurrency: 1, key: '$.key', order: 'fifo' } });
  await client.functions.put({ name: 'rated', ...common, flow: { rate: { limit: 20, per: '1s', burst: 2 } } });
  await client.functions.put({ name: 'parent', ...common, policy: { ...common.policy, onSuccess: [child] } });
  await client.functions.put({
    name: 'gathered',
    ...common,
    flow: { key: '$.key', debounce: { wait: '100ms', maxWait: '3s', keep: 'all' } },
  });
}

async function sendBatch(client: SequentClient, journal: Journal): Promise<void> {
  const request = await client.batches.open({ function: 'plain', id: 'lines', onComplete: [] });
  for (const number of [0, 1, 2]) {
    const id = `member-${number}`;
    await journal.record('submit', { function: 'plain', ids: [id] }, () => client.invoke('plain', { number }, { id, batch: 'lines' }));
  }
  await client.batches.seal({ function: 'plain', id: 'lines', request });
}

async function seeResult(client: SequentClient, journal: Journal, id: string): Promise<void> {
  await journal.record('result', { function: 'plain', ids: [id] }, () => client.result(id), {
    seen: ({ outcome, payload }) => (outcome === 'succeeded' ? { outcome, payload } : { outcome }),
  });
}

/** Everything that the log holds is over: children and batches too. */
async function untilAllOver(log: LogWatch): Promise<void> {
  for (;;) {
    const open = [...log.facts].filter(([, life]) => !life.some(({ type }) => type === 'notified')).map(([id]) => id);
    if (open.length === 0) return;
    await log.untilNotified(open, 60_000);
  }
}
