import { realpathSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { durationOption, parseWhole } from '#src/cli/arguments/durations.ts';
import { type LiveTransition, transitionsIn } from '#src/core/log/transitions.ts';
import { action, type Call } from '../../call.ts';
import { printProblem } from '../../print/result-output.ts';
import { type ExitCode, exitCodes, problemOf, usageProblem } from '../../problem.ts';
import { say } from '../../texts/say.ts';
import type { Running, ServeOptions } from '../serve/running.ts';
import { shutDown } from '../serve/serve.ts';
import { stopRequest } from '../serve/stop-request.ts';
import { readyLine } from '../serve/welcome.ts';

import type { InspectorPorts } from './inspector.ts';

type DevOptions = ServeOptions & { fresh?: true; inspect?: number | true; vscode?: true };

export function devCommand(): Command {
  return new Command('dev')
    .description(
      'Runs Sequent with a NATS server of its own, and makes every file of the folder that exports a handler a function. A saved change is what the next attempt runs. Prints each attempt, and the stack of a failed one. Ctrl-C stops everything.',
    )
    .argument('[folder]', 'the folder with the handler files', '.')
    .option('--fresh', 'remove the invocations and functions of earlier runs first')
    .option('--nats-port <port>', 'the first port for the NATS server; any free port if it is taken, or for 0', '4222')
    .option('--http-port <port>', 'the port for HTTP (default: 8080, or the next free port)')
    .option('--inspect [port]', 'a debugger for each function, from this port on (default: 9229); no time limit applies', parseWhole(1_024))
    .option('--vscode', 'write .vscode/launch.json, which starts dev and attaches to each function')
    .addOption(durationOption('--grace <duration>', 'how long running attempts may take to finish after Ctrl-C', 5_000))
    .addHelpText('after', examples)
    .action(action<DevOptions>(dev));
}

const examples = `
Examples:
  sequent dev                       the functions of this folder; its data is in ./.sequent
  sequent dev functions --fresh
  sequent dev --data /tmp/scratch -o jsonl

The name of a function is the name of its file, or of the folder of an index file. Settings are an exported config, or in sequent.json:
  export const config = { timeoutInMs: 10_000, policy: { maxRetries: 2 } };
  { "functions": { "hello": { "policy": { "maxRetries": 2 } } } }

dev always uses a NATS server of its own: it ignores NATS_URL, and refuses --server and --context.
Exit codes: 0 stopped, 2 an invalid setting, 6 the server did not start.`;

async function dev(call: Call<DevOptions>): Promise<ExitCode> {
  const { options, terminal } = call;
  const folder = folderOf(call.args[0] ?? '.');
  if (options.server !== undefined || options.context !== undefined)
    throw usageProblem('dev uses a server of its own', 'a server was named', 'sequent fn put, which defines a function on that server');
  const dataDir = resolve(options.data ?? process.env.SEQUENT_DATA ?? join(folder, '.sequent'));
  const { linkModules, removeData } = await import('./data-folder.ts');
  if (options.fresh) await removeData(dataDir);
  const stop = stopRequest(terminal.err);
  const { start } = await import('../serve/run.ts');
  const { createInspectorPorts } = await import('./inspector.ts');
  const ports =
    options.inspect === undefined ? undefined : createInspectorPorts(options.inspect === true ? {} : { first: options.inspect });
  // A function of an earlier run may start with the roles.
  await ports?.probe();
  const own = { ...options, data: dataDir, startServer: true, isolation: 'none', inspectorPort: ports?.portOf } as const;
  const running = await start({ ...call, options: own }, stop.signal, ownEnvironment());
  if (running === undefined) return exitCodes.ok;
  try {
    const provided = await linkModules(folder, join(dataDir, 'code', 'packages'));
    await develop(call, { folder, provided, ports, running, stopping: stop.signal, stopped: stop.requested });
  } finally {
    await shutDown(running, options.grace, (line) => terminal.err.line(line));
  }
  return exitCodes.ok;
}

type Development = {
  folder: string;
  provided: string;
  ports: InspectorPorts | undefined;
  running: Running;
  stopping: AbortSignal;
  stopped: Promise<void>;
};

async function develop(call: Call<DevOptions>, { folder, provided, ports, running, stopping, stopped }: Development): Promise<void> {
  const { terminal, format } = call;
  const { err, out } = terminal;
  const { dataDir } = running.configuration;
  const { roles } = running;
  const { DevFunctions } = await import('./dev-functions.ts');
  const { createFirstFunction, FIRST_FUNCTION } = await import('./first-function.ts');
  const { writeLaunchFile } = await import('./inspector.ts');
  const { watchFiles } = await import('./watch-files.ts');
  const { describeDev } = await import('./welcome.ts');
  const { createInvocationLines } = await import('./invocation-lines.ts');
  const { createLiveAttempts } = await import('./live-attempts.ts');
  const functions = new DevFunctions({ folder, dataDir, roles, provided, isInspected: ports !== undefined, say: (line) => err.line(line) });
  await using watched = await watchFiles(folder, dataDir);
  if (createFirstFunction(folder)) err.line(say('created {file}, a first function', { file: FIRST_FUNCTION }));
  await functions.open();
  watched.add(functions.importedFiles);
  const names = functions.list.map(({ name }) => name);
  const sayPorts = (): void => {
    for (const line of ports?.news(functions.list.map(({ name }) => name)) ?? []) err.line(line);
  };
  sayPorts();
  if (call.options.vscode) err.line(writeLaunchFile(folder, names));
  const from = (await roles.ports.log.lastSequence()) + 1;
  for (const line of describeDev(running, { folder, functions: functions.list, ignored: functions.ignored }, err)) err.line(line);
  out.line(readyLine(running, format));
  watched.forEach(async (changed) => {
    await ports?.probe();
    await functions.update(changed).catch((error: unknown) => printProblem(problemOf(error), err));
    sayPorts();
    watched.add(functions.importedFiles);
  });
  const { log, liveOutput } = roles.ports;
  // A program reads one object for each attempt.
  const live = createLiveAttempts({ liveOutput: format === 'table' ? liveOutput : undefined, output: out, signal: stopping });
  const print = createInvocationLines({ format, output: out, live, rootOf: (digest) => functions.rootOf(digest) });
  const onTransition = (transition: LiveTransition): void => {
    live.onTransition(transition);
    print(transition);
  };
  const following = log.followFully(from, (entry) => transitionsIn(entry).forEach(onTransition), stopping);
  await Promise.race([stopped, following]);
}

function folderOf(path: string): string {
  const folder = resolve(path);
  // The files that a function imports are known by their real paths.
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return realpathSync(folder);
  throw usageProblem('the folder was not found', `${relative('.', folder) || folder} is no folder`, 'sequent dev <folder>');
}

/** Without the variables that name a NATS: a function under development never reaches the server of another environment by accident. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^NATS_|^SEQUENT_(?:RESPONDERS_|ROLES$)/.test(name)));
}
