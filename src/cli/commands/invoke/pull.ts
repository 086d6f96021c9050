import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient, Timeline } from '#src/client/client.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import { LATEST, type RegisteredFunction } from '#src/core/functions/definition.ts';
import { parseJson } from '#src/core/json/json.ts';
import { encodeRequests } from '#src/core/log/requests/request-messages.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { RequestId, StreamId } from '#src/core/names/names.ts';
import { functionUrn, type Tenancy } from '#src/core/names/tenancy.ts';
import { type EventFile, encodeEventFile } from '../../arguments/event-file.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { findTarget, withClient } from '../../session.ts';

type PullOptions = { function?: string; attempt?: number; to?: string };

export function pullCommand(): Command {
  return new Command('pull')
    .description(
      'Writes the request of an invocation to a file: the event, the headers, and the context of one attempt. sequent run executes the file. The values of secret user data are left out.',
    )
    .argument('<id>', INVOCATION_ARGUMENT)
    .option('--function <name>', 'its function, if several functions were invoked with one id')
    .option('--attempt <number>', 'the attempt whose context is written (default: the last one)', parseWhole(1))
    .option('--to <file>', 'the file, or - for stdout; -o <file> means the same (default: <id>.event.json)')
    .addHelpText('after', examples)
    .action(action<PullOptions>(pull));
}

const examples = `
Examples:
  sequent pull order-4711
  sequent run orders.ts --event order-4711.event.json --inspect-brk
  sequent pull order-4711 --context production -o failed.json
  sequent pull order-4711 --to - | sequent run orders.ts --event -

Exit codes: 0 written, 2 no such attempt, 3 no such invocation.`;

async function pull(call: Call<PullOptions>): Promise<ExitCode> {
  const { options, terminal, args } = call;
  const { tenancy } = (await findTarget(options)).options;
  const file = await withClient(options, (client) =>
    eventFileOf(client, { named: args[0] ?? '', tenancy, options, warn: (line) => terminal.err.line(line) }),
  );
  const text = encodeEventFile(file);
  const to = options.to ?? (call.format === 'table' ? `${file.requestId}.event.json` : '-');
  if (to === '-') {
    terminal.out.line(text.trimEnd());
    return exitCodes.ok;
  }
  await writeFile(to, text).catch((cause: unknown) => {
    throw usageProblem('the event file cannot be written', (cause as Error).message, '--to with another path');
  });
  const source = file.context.handler?.file ?? say('<handler file>');
  terminal.err.line(
    say('attempt {attempt} of {function} is in {file}; try: sequent run {source} --event {file}', {
      attempt: file.attempt,
      function: file.function,
      file: to,
      source,
    }),
  );
  return exitCodes.ok;
}

type Wanted = { named: string; tenancy: Tenancy; options: PullOptions; warn: (line: string) => void };

async function eventFileOf(client: SequentClient, { named, tenancy, options, warn }: Wanted): Promise<EventFile> {
  const { id, owner } = await namedInvocation(client, named, options.function === undefined ? {} : { function: options.function });
  const timeline = await client.timeline(id, owner);
  const attempt = options.attempt ?? Math.max(1, timeline.attempts);
  if (attempt > Math.max(1, timeline.attempts))
    throw usageProblem('there is no such attempt', `${id} has ${timeline.attempts}`, `--attempt 1 to ${Math.max(1, timeline.attempts)}`);
  const terms = timeline.transitions.map(({ fact }) => (fact.type === 'running' ? fact.terms : undefined)).find((one) => one !== undefined);
  const version = terms?.version ?? LATEST;
  const found = await client.functions.find(timeline.function, version).catch((error: unknown) => {
    if (!(error instanceof FunctionNotFoundError)) throw error;
    warn(
      say('{function} no longer exists, so its user data and its handler are not written', { function: `${timeline.function}:${version}` }),
    );
    return undefined;
  });
  if (found !== undefined && version === LATEST && terms !== undefined && found.revision !== terms.revision)
    warn(
      say('the attempt ran revision {ran} of {function}; the user data, the timeout and the memory are those of revision {present}', {
        ran: terms.revision,
        function: timeline.function,
        present: found.revision,
      }),
    );
  return {
    format: 'sequent-event/1',
    function: timeline.function,
    project: projectOf(timeline.function) ?? tenancy.project,
    qualifier: timeline.qualifier,
    version,
    requestId: timeline.requestId,
    attempt,
    ...requestOf({ ...timeline, requestPayload: await client.requestPayload(timeline) }),
    context: {
      functionUrn: functionUrn(tenancy, timeline.function, version),
      timeoutInMs: found?.definition.timeoutInMs ?? terms?.timeoutInMs ?? 30_000,
      ...settingsOf(found),
    },
    recorded: recordOf(timeline, attempt),
  };
}

function requestOf({ requestId, requestPayload, qualifier, transitions }: Timeline): Pick<EventFile, 'event' | 'payload' | 'headers'> {
  const queued = transitions.map(({ fact }) => fact).find((fact) => fact.type === 'queued');
  const { traceparent, lineage, redriveOf } = queued ?? {};
  const request = {
    id: requestId as RequestId,
    payload: requestPayload,
    ...(qualifier === LATEST ? {} : { qualifier }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(lineage === undefined ? {} : { lineage }),
    ...(redriveOf === undefined ? {} : { redriveOf: redriveOf as RequestId }),
  };
  const headers = Object.fromEntries(encodeRequests(requestId as string as StreamId, [request]).headers);
  if (requestPayload === '') return { event: '{}', headers };
  return parseJson(requestPayload) === undefined ? { payload: requestPayload, headers } : { event: requestPayload, headers };
}

function settingsOf(found: RegisteredFunction | undefined): Omit<EventFile['context'], 'functionUrn' | 'timeoutInMs' | 'traceparent'> {
  if (found === undefined) return { memoryInMb: 256, userData: {}, secretUserData: [] };
  const { memoryInMb, userData, secretUserData = {}, handler } = found.definition;
  const ran = handler.kind === 'process' ? { file: handler.file, export: handler.export, initializer: handler.initializer } : undefined;
  return { memoryInMb, userData, secretUserData: Object.keys(secretUserData), ...(ran === undefined ? {} : { handler: ran }) };
}

/** What the log says about the attempt, for the reader of the file. */
function recordOf({ transitions, state }: Timeline, attempt: number): Record<string, unknown> {
  const facts = transitions.map(({ fact }) => fact).filter((fact) => 'attempt' in fact && fact.attempt === attempt);
  const started = facts.find((fact) => fact.type === 'running');
  const end = facts.find((fact) => fact.type !== 'running');
  return {
    state,
    ...(started === undefined ? {} : { startedAt: new Date(started.at).toISOString() }),
    ...(end === undefined ? {} : { outcome: end.type, endedAt: new Date(end.at).toISOString() }),
    ...(end !== undefined && 'failure' in end ? { failure: end.failure } : {}),
    ...(end !== undefined && 'output' in end && end.output !== undefined ? { output: end.output } : {}),
  };
}
