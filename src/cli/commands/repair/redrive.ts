import { Command } from 'commander';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { readPayload } from '#src/cli/arguments/payload.ts';
import { parseRate } from '#src/cli/arguments/rate.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { FailedInvocation, SequentClient } from '#src/client/client.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { bulkTexts } from '../../bulk/bulk-texts.ts';
import { type BulkOptions, inBulk } from '../../bulk/in-bulk.ts';
import { resultOfRedrive } from '../../bulk/redrive-result.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

type RedriveOptions = BulkOptions & { event?: string; failed?: true; function?: string; condition?: string; since?: number };

export function redriveCommand(): Command {
  return new Command('redrive')
    .description(
      'Runs an ended invocation again as a new one, optionally with another event; or all failed invocations. Each names the other.',
    )
    .argument('[id]', INVOCATION_ARGUMENT)
    .option('-d, --event <json>', 'another event: JSON text, @file, or - for stdin')
    .option('--failed', 'all failed invocations that have no redrive yet')
    .option('--function <name>', 'only of this function: with --failed, or if several functions were invoked with the id')
    .option('--condition <condition>', 'with --failed: only with this condition, such as UnhandledInvocationError')
    .option('--since <when>', 'with --failed: only failed since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z', parsePointInTime)
    .option('--dry-run', 'only list the invocations')
    .option('--rate <rate>', 'the maximum rate: 50/s, 100/m', parseRate)
    .option('-y, --yes', 'do not ask for a confirmation')
    .addHelpText('after', examples)
    .action(action<RedriveOptions>(redrive));
}

const examples = `
Examples:
  sequent redrive 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent redrive order-4711 -d '{"amount":3}'
  sequent redrive --failed --function orders --since 2h --dry-run
  sequent redrive --failed --condition SystemError --rate 20/s --yes

Exit codes: 0 all, 1 not all, 2 neither an id nor --failed, 3 no such invocation, 4 it has not ended, or is redriven by another caller now.`;

async function redrive(call: Call<RedriveOptions>): Promise<ExitCode> {
  const { args, options } = call;
  const [id] = args;
  const { function: name, condition, since } = options;
  if ((id === undefined) === (options.failed === undefined)) {
    throw usageProblem(
      'no invocation was run again',
      'the command needs either a request id or --failed',
      'sequent redrive <id>, or sequent redrive --failed --dry-run',
    );
  }
  if (id !== undefined && [condition, since].some((filter) => filter !== undefined)) {
    throw usageProblem(
      'no invocation was run again',
      'filters select failed invocations; with a request id they have no meaning',
      `sequent redrive ${id}`,
    );
  }
  if (options.failed && options.event !== undefined) {
    throw usageProblem(
      'no invocation was run again',
      'one event cannot replace the events of many invocations',
      'sequent redrive <id> -d <json>',
    );
  }
  const payload = options.event === undefined ? undefined : await readPayload(options.event, call);
  return await withClient(options, async (client) => {
    if (id !== undefined) return await redriveOne(call, client, { named: id, payload });
    return await inBulk<FailedInvocation>(call, {
      items: await client.repair.failures({ function: name, condition, since }),
      texts: bulkTexts.runAgain,
      nameOf: ({ requestId }) => requestId,
      toJson: ({ requestId, function: fn, condition: why }) => ({ requestId, function: fn, condition: why }),
      record: async (total) => {
        const { recordBulk } = await import('../../bulk/recorded-bulk.ts');
        const filter = Object.fromEntries(Object.entries({ function: name, condition, since }).filter(([, value]) => value !== undefined));
        return await recordBulk(client, { action: 'redrive', filter, total });
      },
      subjectOf: ({ requestId: failed, function: fn }) => ({ id: failed, function: fn }),
      perform: async ({ requestId, function: fn }) => resultOfRedrive(await client.repair.redriveOnce(requestId, { function: fn })),
    });
  });
}

type NamedInvocation = { named: string; payload: string | undefined };

async function redriveOne(
  { options, terminal, format }: Call<RedriveOptions>,
  client: SequentClient,
  { named, payload }: NamedInvocation,
): Promise<ExitCode> {
  const { out, err } = terminal;
  const { id, owner } = await namedInvocation(client, named, options.function === undefined ? {} : { function: options.function });
  if (options.dryRun) {
    const { state, function: name } = await client.timeline(id, owner);
    err.line(say('{name} would run again; {id} is {state}', { name, id, state: sayWord(state) }));
    return exitCodes.ok;
  }
  const redrive = await client.repair.redrive(id, payload === undefined ? owner : { ...owner, payload });
  if (format === 'json' || format === 'jsonl') out.line(JSON.stringify({ requestId: redrive, redriveOf: id }));
  else out.line(redrive);
  return exitCodes.ok;
}
