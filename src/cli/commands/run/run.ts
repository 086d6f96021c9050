import { Command } from 'commander';
import { parseDuration, parseWhole } from '#src/cli/arguments/durations.ts';
import { keyAndValue } from '#src/cli/arguments/key-and-value.ts';
import { readPayload } from '#src/cli/arguments/payload.ts';
import { traceModule } from '#src/cli/code/trace-module.ts';
import { say } from '#src/cli/texts/say.ts';
import { type EventFile, payloadOf, readEventFile } from '../../arguments/event-file.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, usageProblem } from '../../problem.ts';
import { functionNameOf } from '../dev/function-files.ts';
import { existingFile } from '../fn/definition/package-from.ts';
import { executeOnce } from './execute-once.ts';
import { printResult } from './print-result.ts';

type RunOptions = {
  event?: string;
  attempt?: number;
  handler?: string;
  initializer?: string;
  timeout?: number;
  memory?: number;
  userData?: string[];
  inspect?: string | true;
  inspectBrk?: string | true;
  payload?: string;
};

export function runCommand(): Command {
  return new Command('run')
    .description(
      'Executes a handler file once, in a process of its own in this terminal, with an event or with the request that sequent pull wrote. Nothing is recorded, and no server is needed. Prints the returned value on stdout, and the output of the handler on stderr.',
    )
    .argument('<file>', 'the handler file')
    .option('-e, --event <file>', 'the file that sequent pull wrote, or - for stdin: event and context of a recorded attempt')
    .option('-d, --payload <json>', 'the event instead: JSON text, @file, or - for stdin')
    .option('--attempt <number>', 'the number of the attempt (default: that of the file, or 1)', parseWhole(1))
    .option('--handler <export>', 'the exported function (default: that of the file, or handler)')
    .option('--initializer <export>', 'an exported function that runs first (default: that of the file)')
    .option(
      '--timeout <duration>',
      'how long it may take (default: that of the file, or 30s; with a debugger without limit)',
      parseDuration,
    )
    .option('--memory <mb>', 'the memory limit (default: that of the file, or 256)', parseWhole(1))
    .option(
      '--user-data <key=value>',
      'a value for context.getUserData(key), such as a secret (repeatable)',
      (value, all: string[] = []) => [...all, value],
    )
    .option('--inspect [address]', 'let a debugger connect, as node --inspect does')
    .option('--inspect-brk [address]', 'wait for a debugger before the handler is loaded, as node --inspect-brk does')
    .addHelpText('after', examples)
    .action(action<RunOptions>(run));
}

const examples = `
Examples:
  sequent run hello.mjs -d '{"name":"Ada"}'
  sequent pull order-4711 --context production
  sequent run orders.ts --event order-4711.event.json --inspect-brk

Exit codes: 0 the handler returned, 1 it failed, 2 the file cannot be loaded or is no event, 7 it took too long.`;

async function run(call: Call<RunOptions>): Promise<ExitCode> {
  const { options, args } = call;
  const file = await existingFile(args[0] ?? '', process.cwd());
  const event = await eventOf(call, file);
  const { context } = event;
  const exported = options.handler?.split('.').at(-1) ?? context.handler?.export ?? 'handler';
  (await traceModule(file)).expectExport(exported);
  const result = await executeOnce({
    handler: { file, export: exported, initializer: options.initializer ?? context.handler?.initializer },
    execution: {
      definition: {
        name: event.function,
        timeoutInMs: options.timeout ?? context.timeoutInMs,
        memoryInMb: options.memory ?? context.memoryInMb,
        userData: userDataOf(call, context),
      },
      requestId: event.requestId,
      attempt: options.attempt ?? event.attempt,
      qualifier: event.qualifier,
      functionUrn: context.functionUrn,
      traceparent: event.headers.traceparent,
      payload: payloadOf(event),
    },
    inspector: inspectorOf(options),
  });
  return printResult(call, result);
}

async function eventOf(call: Call<RunOptions>, file: string): Promise<EventFile> {
  const { options } = call;
  if (options.event === undefined) {
    const { checkJson } = await import('#src/client/invoke/requests.ts');
    return newEvent(file, checkJson(await readPayload(options.payload, call)));
  }
  if (options.payload === undefined) return await readEventFile(options.event, call);
  throw usageProblem('two events were given', '--event names a file with an event, and -d is one', 'one of them');
}

/** The user data of the file and of the flags. Says which secrets are missing. */
function userDataOf({ options, terminal }: Call<RunOptions>, context: EventFile['context']): Record<string, string> {
  const given = (options.userData ?? []).map((text) => keyAndValue(text, '--user-data'));
  const userData = { ...context.userData, ...Object.fromEntries(given) };
  const missing = context.secretUserData.filter((key) => !Object.hasOwn(userData, key)).map((key) => `--user-data ${key}=…`);
  if (missing.length > 0)
    terminal.err.line(say('the file holds no secret; pass what the handler needs: {flags}', { flags: missing.join(' ') }));
  return userData;
}

/** The context of an event that no invocation had. */
function newEvent(file: string, payload: string): EventFile {
  const name = functionNameOf(file);
  return {
    format: 'sequent-event/1',
    function: name,
    project: 'default',
    qualifier: 'latest',
    version: 'latest',
    requestId: 'run-1',
    attempt: 1,
    payload,
    headers: {},
    context: {
      functionUrn: `urn:fss:local:default:function:default:${name}:latest`,
      timeoutInMs: 30_000,
      memoryInMb: 256,
      userData: {},
      secretUserData: [],
    },
  };
}

/** The argument of Node, if a debugger was asked for. */
function inspectorOf({ inspect, inspectBrk }: RunOptions): string | undefined {
  const given = inspectBrk ?? inspect;
  if (given === undefined) return undefined;
  const flag = inspectBrk === undefined ? '--inspect' : '--inspect-brk';
  return given === true ? flag : `${flag}=${given}`;
}
