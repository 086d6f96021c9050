import { Command, Option } from 'commander';
import { durationOption, parseDuration, parseWhole } from '#src/cli/arguments/durations.ts';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { readPayload } from '#src/cli/arguments/payload.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printResult } from '#src/cli/print/result-output.ts';
import { transitionLine } from '#src/cli/print/transitions.ts';
import { say } from '#src/cli/texts/say.ts';
import type { Invoked, SequentClient } from '#src/client/client.ts';
import { fallback } from '#src/core/fallback.ts';
import { type LiveTransition, transitionsIn } from '#src/core/log/transitions.ts';
import { MAX_LARGE_PAYLOAD_BYTES } from '#src/core/payloads/payload-reference.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { printConnection, withClient } from '../../session.ts';
import { findTestEvent } from '../fn/event.ts';
import type { BatchOptions } from './invoke-batch.ts';

type InvokeOptions = BatchOptions & { event?: string; testEvent?: string; id?: string; wait?: true; follow?: true; timeout: number };

export function invokeCommand(): Command {
  return withDryRun(new Command('invoke'))
    .description(
      'Requests an invocation. The request is stored when the command returns. Prints the request id, or with --wait the returned value.',
    )
    .argument('<function>', 'the name, optionally with a version or an alias: orders:v1, orders:!prod; or with its package: billing:report')
    .option('-d, --event <json>', 'the event: JSON text, @file, or - for stdin (a pipe is read without -)')
    .addOption(new Option('--test-event <name>', 'a saved test event of the function (sequent fn event)').conflicts('event'))
    .addOption(
      new Option('--batch <file>', 'one invocation for each line of a file of JSON Lines, or - for stdin').conflicts([
        'event',
        'testEvent',
        'id',
        'wait',
        'follow',
      ]),
    )
    .option('--key <prefix>', 'with --batch: line 7 gets the request id <prefix>-7, so that a repetition runs no line twice')
    .addOption(
      new Option(
        '--on-complete <destination>',
        'with --batch: told once when all lines are over, as fn put --on-success (repeatable)',
      ).argParser((value: string, previous: string[] = []) => [...previous, value]),
    )
    .option('--id <id>', 'your own request id: two requests with one id are one invocation')
    .option('-q, --qualifier <qualifier>', 'a version, or ! and an alias')
    .addOption(
      new Option('--in <delay>', 'start after this time at the earliest: 30s, 10m, 2h, 30d').argParser(parseDuration).conflicts('at'),
    )
    .option('--at <time>', 'start at this time at the earliest: 2026-12-24T08:00:00Z')
    .option('--flow-key <key>', 'the key among those of the flow of the function; without it, the flow finds the key in the event')
    .option(
      '--priority <level>',
      'how urgent the request is, from 0 (least) to 9 (most), while requests wait for a slot (default: 4)',
      parseWhole(0, 9),
    )
    .option('-w, --wait', 'wait for the outcome, and print the returned value')
    .option('-f, --follow', 'print every transition as it happens, then the outcome')
    .addOption(durationOption('--timeout <duration>', 'how long --wait and --follow wait', 60_000))
    .addHelpText('after', examples)
    .action(action<InvokeOptions>(invoke));
}

const examples = `
Examples:
  sequent invoke hello -d '{"name":"Ada"}' --wait
  sequent invoke flaky --follow
  sequent invoke orders -d @order.json --id order-4711
  sequent invoke 'orders:!prod' -d '{}' --wait
  sequent invoke billing:report -d '{}'
  sequent invoke report -d '{}' --in 10m
  sequent invoke orders -d @order.json --flow-key customer-7
  sequent invoke orders -d @order.json --priority 9
  jq -c .order report.json | sequent invoke orders
  sequent invoke orders --batch orders.jsonl --key import-7 --on-complete HTTP=https://example.com/done
  jq -c .orders[] report.json | sequent invoke orders --batch - --json

Exit codes with --wait and --follow: 0 success, 1 failure, 7 no outcome within --timeout.
Exit codes with --batch: 0 every line is accepted, 1 lines were skipped.`;

async function invoke(call: Call<InvokeOptions>): Promise<ExitCode | undefined> {
  const { options, terminal, format } = call;
  if (options.batch !== undefined) return await (await import('./invoke-batch.ts')).invokeBatch(call, options.batch);
  if (options.key !== undefined)
    throw usageProblem('--key has no meaning here', 'it names the lines of --batch', '--id for one invocation');
  const given = options.testEvent === undefined ? await readPayload(options.event, call, MAX_LARGE_PAYLOAD_BYTES) : undefined;
  // Nothing runs in a rehearsal.
  const { follow: follows, wait: waits } = options.rehearsal === undefined ? options : {};
  return await withClient(options, async (client) => {
    const { name, qualifier } = await readFunction(client, call.args[0] ?? '', options.qualifier);
    const payload = given ?? (await findTestEvent(client.functions, name, options.testEvent ?? '')).text;
    const send = () =>
      client.invokeText(name, payload, {
        ...(options.id === undefined ? {} : { id: options.id }),
        ...(qualifier === undefined ? {} : { qualifier }),
        flowKey: options.flowKey,
        priority: options.priority,
        at: options.at,
        delay: options.in,
      });
    printConnection(client, terminal.err);
    if (follows) return await follow(call, client, { name, send });
    const invoked = await send();
    if (waits) return await awaitOutcome(call, invoked);
    if (format === 'json' || format === 'jsonl') terminal.out.line(JSON.stringify({ requestId: invoked.requestId, function: name }));
    else terminal.out.line(invoked.requestId);
    return exitCodes.ok;
  });
}

async function awaitOutcome(call: Call<InvokeOptions>, invoked: Invoked): Promise<ExitCode> {
  const { options, terminal } = call;
  printAccepted(call, invoked.requestId);
  const result = await invoked.result({ timeoutInMs: options.timeout }).catch((error: unknown) => {
    terminal.err.line(
      terminal.err.paint.dim(say('the invocation continues without this command: sequent result {id}', { id: invoked.requestId })),
    );
    throw error;
  });
  return printResult(call, result);
}

type Sending = { name: string; send: () => Promise<Invoked> };

/** Reads the log from before the request on, so that every transition is printed. */
async function follow(call: Call<InvokeOptions>, client: SequentClient, { name, send }: Sending): Promise<ExitCode> {
  const { options, terminal, format } = call;
  const from = (await client.lastSequence()) + 1;
  const invoked = await send();
  if (format === 'table') printAccepted(call, invoked.requestId);
  const ending = new AbortController();
  let last = 0;
  const print = (transition: LiveTransition): void => {
    if (transition.fact.invocation !== invoked.requestId || transition.function !== name || transition.sequence < last) return;
    // A repeated request with the same id is not a new invocation.
    if (transition.fact.type === 'queued' && last > 0) return;
    last = transition.sequence;
    if (format !== 'name') terminal.out.line(transitionLine(transition, { format, output: terminal.out, isNamed: false }));
    if (transition.fact.type === 'notified') ending.abort();
  };
  // An id of the caller may already have transitions.
  if (options.id !== undefined) for (const transition of await pastOf(client, options.id, name)) print(transition);
  const deadline = setTimeout(() => ending.abort(), options.timeout);
  const result = invoked.result({ timeoutInMs: options.timeout });
  result.catch(() => ending.abort());
  const past = last + 1;
  if (!ending.signal.aborted) {
    await client.follow(Math.max(from, past), (entry) => transitionsIn(entry).forEach(print), ending.signal);
  }
  clearTimeout(deadline);
  return printResult(call, await result);
}

async function pastOf(client: SequentClient, id: string, functionName: string): Promise<LiveTransition[]> {
  const { InvocationNotFoundError } = await import('#src/core/errors.ts');
  const known = await client.timeline(id, { function: functionName }).catch(fallback(undefined, InvocationNotFoundError));
  return known?.transitions.map(({ sequence, by, fact }) => ({ sequence, by, fact, function: known.function })) ?? [];
}

/** Prints the request id, and after Ctrl-C that the invocation continues. */
function printAccepted({ terminal: { err }, options: { host } }: Call<InvokeOptions>, requestId: string): void {
  const id = requestId;
  err.line(err.paint.dim(say('accepted as {id}', { id })));
  host.signals.prependOnceListener('SIGINT', () =>
    err.line(`\n${say('the invocation continues without this command: sequent result {id}', { id })}`),
  );
}
