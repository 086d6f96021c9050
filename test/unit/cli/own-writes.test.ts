import { describe, expect, test } from 'vitest';
import type { Call } from '#src/cli/call.ts';
import { printBatches } from '#src/cli/commands/batch/batch.ts';
import { printInvocation } from '#src/cli/commands/read/get.ts';
import { printInvocations } from '#src/cli/commands/read/ls.ts';
import { printStats } from '#src/cli/commands/read/stats.ts';
import { printTree } from '#src/cli/commands/read/tree.ts';
import type { SequentClient } from '#src/client/client.ts';
import { createClientHistory } from '#src/client/history/history.ts';
import type { BatchSummary } from '#src/core/batch-questions.ts';
import { NatsUnavailableError } from '#src/core/errors.ts';
import { outputStreamOf } from '#test/support/cli/output-streams.ts';
import { createLaggingHistory, summaries } from '#test/support/projection/lagging-history.ts';

const LAST = 7;
const [invocation] = summaries(1);
const batch = { id: 'import', function: 'test1' } as BatchSummary;
const known = { invocations: summaries(1), batches: [batch] };

type Shown = { out: string[]; err: string[] };
type Command = (call: Call<never>, client: SequentClient) => Promise<unknown>;

async function run(
  command: unknown,
  {
    isStuck = false,
    hasLeader = true,
    before = {},
    ...options
  }: { isStuck?: boolean; hasLeader?: boolean; before?: object; all?: true } = {},
) {
  const [out, err] = [outputStreamOf(), outputStreamOf()];
  const terminal = { out: out.output, err: err.output };
  const call = { args: ['order-0'], options, format: 'name', terminal } as unknown as Call<never>;
  const history = createClientHistory(createLaggingHistory({ last: LAST, known, before, isStuck }));
  const lastSequence = async (): Promise<number> => {
    if (hasLeader) return LAST;
    throw new NatsUnavailableError({ servers: 'here', why: 'the log has no leader' });
  };
  await (command as Command)(call, { history, lastSequence } as unknown as SequentClient);
  return { out: out.lines, err: err.lines } satisfies Shown;
}

describe('directly after a request was accepted', () => {
  test.for([
    ['get', printInvocation, {}, 'queued'],
    ['tree', printTree, {}, 'order-0'],
    ['ls', printInvocations, {}, 'order-0'],
    ['ls --all', printInvocations, { all: true }, 'order-0'],
    ['batch ls', printBatches, {}, 'import'],
    ['stats', printStats, {}, 'test1'],
  ] as const)('%s has it, however far behind the read model was', async ([, command, options, line]) => {
    expect(await run(command, options)).toEqual({ out: [line], err: [] });
  });
});

describe('while the read model stays behind the log', () => {
  const before = { invocations: [{ ...invocation, state: 'running' }] };

  test('ls shows what the read model has, and says that newer changes are missing', async () => {
    const { out, err } = await run(printInvocations, { isStuck: true, before });
    expect([out, err]).toEqual([['order-0'], [expect.stringContaining('behind the log')]]);
  });

  test('ls shows what the read model has also when the log has no leader', async () => {
    const { out, err } = await run(printInvocations, { hasLeader: false, before });
    expect([out, err]).toEqual([['order-0'], [expect.stringContaining('may be behind the log')]]);
  });

  test('get shows an older state, and says so', async () => {
    expect(await run(printInvocation, { isStuck: true, before })).toEqual({ out: ['running'], err: [expect.any(String)] });
  });

  test('get does not claim that an invocation does not exist', async () => {
    await expect(run(printInvocation, { isStuck: true })).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE', isBehind: true });
  });
});
