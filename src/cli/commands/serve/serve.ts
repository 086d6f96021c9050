import { Command } from 'commander';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { addServeOptions } from './options.ts';
import type { Running, ServeOptions } from './running.ts';
import { stopRequest } from './stop-request.ts';
import { describeRunning, readyLine } from './welcome.ts';

export function serveCommand(): Command {
  const command = new Command('serve').description(
    'Runs the roles of Sequent until Ctrl-C. With --start-server it also starts a NATS server on the data folder, unless NATS_URL names one.',
  );
  return addServeOptions(command).addHelpText('after', examples).action(action<ServeOptions>(serve));
}

const examples = `
Examples:
  sequent serve --start-server --deploy-examples       all roles and a server (as npm start)
  NATS_URL=nats://nats.example:4222 sequent serve       all roles, on an existing NATS
  sequent serve --role worker                          one more worker

When all roles run, one line on stdout starts with "sequent ready" and names the NATS address.
Ctrl-C stops cleanly; a second one stops at once. Changed files of credentials, certificates, keys and connections are used without a
restart: within two seconds, or at once after kill -HUP. Exit codes: 0 stopped, 2 an invalid setting, 6 no NATS,
70 a defect, which the last line of the log describes: start the process again, as npm start does.`;

/** Invariants: after `sequent ready`, functions can be invoked and the history answers; after exit code 0, no process of this command is left. */
async function serve(call: Call<ServeOptions>): Promise<ExitCode> {
  const { options, terminal } = call;
  const { out, err } = terminal;
  const stop = stopRequest(err);
  const { start } = await import('./run.ts');
  const running = await start(call, stop.signal);
  // A stop was requested during the start.
  if (running === undefined) return exitCodes.ok;
  stop.onReload(() => void running.reload());
  try {
    for (const line of describeRunning(running, err)) err.line(line);
    out.line(readyLine(running, call.format));
    // From now on the supervisor of `npm start` restarts this process after a failure.
    process.send?.('ready');
    await stop.requested;
  } finally {
    await shutDown(running, options.grace, (line) => err.line(line));
  }
  return exitCodes.ok;
}

/** Stops the roles, then the server, and says so. */
export async function shutDown(running: Running, graceInMs: number, print: (line: string) => void): Promise<void> {
  print(
    say('sequent: stopping; running attempts may finish within {seconds} s (Ctrl-C again stops at once)', { seconds: graceInMs / 1_000 }),
  );
  await running.stop(graceInMs);
  print(say('sequent: stopped'));
}
