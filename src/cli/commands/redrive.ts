import { Command } from 'commander';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { readPayload } from '#src/cli/arguments/payload.ts';
import { parseRate } from '#src/cli/arguments/rate.ts';
import type { FailedInvocation, SequentClient } from '#src/client/client.ts';
import { action, type Call } from '../call.ts';
import { type BulkOptions, inBulk } from '../in-bulk.ts';
import { type ExitCode, exitCodes, usageProblem } from '../problem.ts';
import { withClient } from '../session.ts';

type RedriveOptions = BulkOptions & { event?: string; failed?: true; function?: string; condition?: string; since?: number };

export function redriveCommand(): Command {
  return new Command('redrive')
    .summary('run invocations again, as new ones')
    .description('Runs an invocation that is over again as a new one, also with another event; or all that failed. Each knows the other.')
    .argument('[id]', 'the request id')
    .option('-d, --event <json>', 'instead of its event: JSON text, @file, or - for stdin')
    .option('--failed', 'all that failed and were not run again yet')
    .option('--function <name>', 'with --failed: only of this function')
    .option('--condition <condition>', 'with --failed: only those that failed by this, such as UnhandledInvocationError')
    .option('--since <when>', 'with --failed: only those that failed since then: 30m, 2h, 1d, or 2026-01-31T12:00:00Z', parsePointInTime)
    .option('--dry-run', 'only say which')
    .option('--rate <rate>', 'at most so many: 50/s, 100/m', parseRate)
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples)
    .action(action<RedriveOptions>(redrive));
}

const examples = `
Examples:
  sequent redrive 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent redrive order-4711 -d '{"amount":3}'
  sequent redrive --failed --function orders --since 2h --dry-run
  sequent redrive --failed --condition SystemError --rate 20/s --yes

Exit codes: 0 all of them, 1 not all, 2 nothing says which, 3 no such invocation, 4 it is not over yet.`;

async function redrive(call: Call<RedriveOptions>): Promise<ExitCode> {
  const { args, options, terminal } = call;
  const [id] = args;
  const { function: name, condition, since } = options;
  if ((id === undefined) === (options.failed === undefined)) {
    throw usageProblem(
      'nothing was run again',
      'either a request id or --failed says what',
      'sequent redrive <id>, or sequent redrive --failed --dry-run',
    );
  }
  if (id !== undefined && [name, condition, since].some((filter) => filter !== undefined)) {
    throw usageProblem('nothing was run again', 'a request id says it all: the filters go with --failed', `sequent redrive ${id}`);
  }
  if (options.failed && options.event !== undefined) {
    throw usageProblem('nothing was run again', 'one event for many invocations is none of theirs', 'sequent redrive <id> -d <json>');
  }
  const payload = options.event === undefined ? undefined : await readPayload(options.event, terminal);
  return await withClient(options, async (client) => {
    if (id !== undefined) return await redriveOne(call, client, { id, payload });
    return await inBulk<FailedInvocation>(call, {
      items: await client.repair.failures({ function: name, condition, since }),
      verb: 'run again',
      past: 'run again',
      noun: 'failed invocation',
      nouns: 'failed invocations',
      nameOf: ({ requestId }) => requestId,
      toJson: ({ requestId, function: fn, condition: why }) => ({ requestId, function: fn, condition: why }),
      perform: async ({ requestId }) => {
        const redriven = await client.repair.redrive(requestId);
        return { note: `runs again as ${redriven}`, json: { redrive: redriven } };
      },
    });
  });
}

type One = { id: string; payload: string | undefined };

async function redriveOne(
  { options, terminal, format }: Call<RedriveOptions>,
  client: SequentClient,
  { id, payload }: One,
): Promise<ExitCode> {
  const { out, err } = terminal;
  if (options.dryRun) {
    const { state, function: name } = await client.timeline(id);
    err.line(`${name} would run again; ${id} is ${state}`);
    return exitCodes.ok;
  }
  const redrive = await client.repair.redrive(id, payload === undefined ? {} : { payload });
  if (format === 'json' || format === 'jsonl') out.line(JSON.stringify({ requestId: redrive, redriveOf: id }));
  else out.line(redrive);
  return exitCodes.ok;
}
