import { Command, Option } from 'commander';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { parseRate } from '#src/cli/arguments/rate.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { HistoryPage, InvocationSummary } from '#src/core/history-questions.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { bulkTexts } from '../../bulk/bulk-texts.ts';
import { type BulkOptions, inBulk } from '../../bulk/in-bulk.ts';
import { action, type Call } from '../../call.ts';
import { rehearse } from '../../dry-run.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

export type CancelOptions = BulkOptions & {
  function?: string;
  recursive?: true;
  reason?: string;
  open?: true;
  state?: OpenState;
  batch?: string;
  since?: number;
  until?: number;
};

const openStates = ['queued', 'running', 'retrying'] as const;
type OpenState = (typeof openStates)[number];

export function cancelCommand(): Command {
  return new Command('cancel')
    .description(
      'Ends this invocation, or all open ones that match. A queued invocation never runs; the result of a running one is discarded. Other invocations continue.',
    )
    .argument('[id]', INVOCATION_ARGUMENT)
    .option('--open', 'all open invocations that match')
    .option('--function <name>', 'only of this function: with --open, or if several functions were invoked with the id')
    .addOption(new Option('--state <state>', 'with --open: only in this state').choices(openStates))
    .option('--batch <id>', 'with --open: only members of this batch')
    .option('--since <when>', 'with --open: only accepted since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z', parsePointInTime)
    .option('--until <when>', 'with --open: only accepted before then', parsePointInTime)
    .option('--recursive', 'also the open invocations that its destinations started')
    .option('--reason <text>', 'the reason that its timeline shows')
    .option('--dry-run', 'print what would change, and change nothing; with --open: only list the invocations')
    .option('--rate <rate>', 'with --open: the maximum rate: 50/s, 100/m', parseRate)
    .option('-y, --yes', 'with --open: do not ask for a confirmation')
    .addHelpText('after', examples)
    .action(action<CancelOptions>(cancel));
}

const examples = `
Examples:
  sequent cancel 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent cancel order-4711 --recursive --reason "the order was withdrawn"
  sequent cancel --open --function orders --state queued --since 2h --dry-run
  sequent cancel --open --function orders --reason "a wrong import" --yes

The invocation ends with the condition InvocationCanceled. With --open, the read model lists the invocations, and the operation has an id for sequent bulk. Exit codes: 0 cancelled, 1 not all, 2 neither an id
nor --open, 3 no such invocation, 4 it has ended.`;

async function cancel(call: Call<CancelOptions>): Promise<ExitCode> {
  const { args, options } = call;
  const [id] = args;
  if ((id === undefined) === (options.open === undefined)) {
    const remedy = 'sequent cancel <id>, or sequent cancel --open --dry-run';
    throw usageProblem('no invocation was cancelled', 'the command needs either a request id or --open', remedy);
  }
  if (id === undefined) return await withClient(options, (client) => cancelOpen(call, client));
  if ([options.state, options.batch, options.since, options.until].some((given) => given !== undefined)) {
    const why = 'filters select open invocations; with a request id they have no meaning';
    throw usageProblem('no invocation was cancelled', why, `sequent cancel ${id}`);
  }
  const one = (named: Call<CancelOptions>) => withClient(named.options, (client) => cancelOne(named, client, id));
  return await (options.dryRun ? rehearse(call, one) : one(call));
}

async function cancelOne({ options, terminal, format }: Call<CancelOptions>, client: SequentClient, named: string): Promise<ExitCode> {
  const { recursive = false, reason, function: name } = options;
  const { id, owner } = await namedInvocation(client, named, name === undefined ? {} : { function: name });
  const canceled = await client.cancel(id, { ...owner, recursive, ...(reason === undefined ? {} : { reason }) });
  if (format === 'json') terminal.out.line(JSON.stringify({ canceled }));
  else for (const one of canceled) terminal.out.line(one);
  if (canceled.length === 0) terminal.err.line(say('no open invocation was left to cancel'));
  return exitCodes.ok;
}

/** Cancels all open invocations that match. */
export async function cancelOpen(call: Call<CancelOptions>, client: SequentClient): Promise<ExitCode> {
  const { function: name, state, batch, since, until, reason, recursive = false } = call.options;
  const filter = Object.fromEntries(Object.entries({ function: name, batch, since, until }).filter(([, value]) => value !== undefined));
  const items: InvocationSummary[] = [];
  // The read model may be behind. Every invocation that was accepted before the command counts.
  const freshness = { atLeast: await client.lastSequence() };
  const query = { ...filter, state: state === undefined ? [...openStates] : [state], order: 'oldest' as const, limit: 500 };
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: HistoryPage = await client.history.list(cursor === '' ? query : { ...query, cursor }, freshness);
    items.push(...page.invocations);
    cursor = page.cursor;
  }
  return await inBulk<InvocationSummary>(call, {
    items,
    texts: bulkTexts.cancel,
    nameOf: ({ id }) => id,
    toJson: ({ id, function: fn, state: present }) => ({ requestId: id, function: fn, state: present }),
    record: async (total) => {
      const { recordBulk } = await import('../../bulk/recorded-bulk.ts');
      return await recordBulk(client, { action: 'cancel', filter: { ...filter, ...(state === undefined ? {} : { state }) }, total });
    },
    subjectOf: ({ id, function: fn }) => ({ id, function: fn }),
    perform: async ({ id, function: fn }) => {
      const canceled = await client.cancel(id, { function: fn, recursive, ...(reason === undefined ? {} : { reason }) });
      return { note: say('is cancelled'), json: { canceled } };
    },
  });
}
