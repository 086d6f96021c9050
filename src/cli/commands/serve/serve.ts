import { Command } from 'commander';
import { durationOption } from '#src/cli/arguments/durations.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import type { Running, ServeOptions } from './running.ts';
import { stopRequest } from './stop-request.ts';
import { describeRunning, readyLine } from './welcome.ts';

export function serveCommand(): Command {
  return new Command('serve')
    .summary('run Sequent: its roles, and a NATS server if asked')
    .description(
      'Runs the roles of Sequent until Ctrl-C. With --start-server it also starts a NATS server on the data folder, unless NATS_URL names one.',
    )
    .option(
      '--role <role>',
      'only this role: worker, scheduler, destinations, projection, janitor, gateway (repeatable; SEQUENT_ROLES)',
      collect,
    )
    .option('--start-server', 'start a NATS server of its own, when no other one is named')
    .option('--nats-port <port>', 'where its own NATS server listens first; any free port when it is taken, or 0', '4222')
    .option('--deploy-examples', 'define the example functions')
    .option('--fsync <mode>', 'how long an acknowledged message may wait for the disk: 100ms, always, default (SEQUENT_FSYNC)')
    .option('--http-port <port>', 'where HTTP is served (SEQUENT_HTTP_PORT, default: 8080, or the next free one)')
    .option('--http-host <host>', 'the address that HTTP is served on (SEQUENT_HTTP_HOST, default: 127.0.0.1)')
    .option(
      '--http-origins <origins>',
      'the origins by which reverse proxies serve the gateway, such as https://sequent.example (SEQUENT_HTTP_ORIGINS)',
    )
    .option('--credentials <file>', 'who may call over HTTP, as JSON (SEQUENT_CREDENTIALS)')
    .option(
      '--local-token <mode>',
      'auto makes a token that every call over HTTP needs, and prints the link that signs a browser in (SEQUENT_LOCAL_TOKEN, default: off)',
    )
    .option(
      '--project <id>',
      'the own project, whose functions have their bare names (SEQUENT_PROJECT, default: the first of the credentials)',
    )
    .option(
      '--subjects <grant>',
      'lets another project address further subjects: <project>=<subject> (repeatable; SEQUENT_SUBJECTS)',
      collect,
    )
    .option(
      '--files <grant>',
      "lets another project run files of the worker's machine: <project>=<folder> (repeatable; SEQUENT_FILES)",
      collect,
    )
    .option('--replicas <count>', 'how many servers of a cluster keep each message: 1, 3, 5 (SEQUENT_REPLICAS)')
    .option('--lease-ms <ms>', 'how long an execution may go unnoticed when its worker dies (SEQUENT_LEASE_MS)')
    .option('--patience-ms <ms>', 'how long the scheduler lets others take before it looks (SEQUENT_PATIENCE_MS)')
    .option('--max-hops <count>', 'how many destinations a chain may have before it is cut (SEQUENT_MAX_HOPS)')
    .option('--max-chain <count>', 'how many invocations may follow from one through destinations (SEQUENT_MAX_CHAIN)')
    .option('--delivery-age <duration>', 'how long after an outcome its destinations are tried (SEQUENT_DELIVERY_AGE, default: 24h)')
    .option('--envelope <variant>', 'how envelopes speak of errors: documented, observed (SEQUENT_ENVELOPE)')
    .option('--results-storage <kind>', 'where results are kept for subscribers: file, memory (SEQUENT_RESULTS_STORAGE)')
    .option('--results-max-age-hours <hours>', 'how long results are kept for subscribers (SEQUENT_RESULTS_MAX_AGE_HOURS)')
    .option('--connections <file>', 'the named connections of the destinations (SEQUENT_CONNECTIONS)')
    .option(
      '--retention <duration>',
      'how long the log keeps what is finished before it is archived, or off (SEQUENT_RETENTION, default: 7d)',
    )
    .option(
      '--retention-invocations <count>',
      'how many finished invocations the log keeps at most, or off (SEQUENT_RETENTION_INVOCATIONS, default: 1000000)',
    )
    .option('--archive <place>', 'where the log is archived: a folder, or s3://bucket/prefix?endpoint=url (SEQUENT_ARCHIVE)')
    .option(
      '--history-retention <duration>',
      'how long read models remember what is finished, or off (SEQUENT_HISTORY_RETENTION, default: off)',
    )
    .option('--nats-creds <file>', 'credentials for the NATS that is named (NATS_CREDS)')
    .option(
      '--responders-server <url>',
      'the NATS user that asks the responders of functions, or their server (SEQUENT_RESPONDERS_NATS_URL, default: as --server)',
    )
    .option('--responders-creds <file>', 'credentials for these requests (SEQUENT_RESPONDERS_NATS_CREDS, default: as --nats-creds)')
    .option('--log-level <level>', 'what is logged to stderr as JSON lines (SEQUENT_LOG_LEVEL, default: info, warn on a terminal)')
    .addOption(durationOption('--grace <duration>', 'how long what runs may take to finish after Ctrl-C', 20_000))
    .addHelpText('after', examples)
    .action(action<ServeOptions>(serve));
}

const examples = `
Examples:
  sequent serve --start-server --deploy-examples       everything, here (npm start does this)
  NATS_URL=nats://nats.example:4222 sequent serve       all roles, on a NATS that is there
  sequent serve --role worker                          one more worker

When all is up, one line on stdout begins "sequent ready" and names the NATS address.
Ctrl-C stops cleanly; a second one stops at once. Exit codes: 0 stopped, 2 a wrong setting, 6 no NATS,
70 a defect, which the last line of the log tells: start it again, as npm start does.`;

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, ...value.split(',')];
}

/** Invariant: whoever reads `sequent ready` can invoke; whoever sees exit code 0 finds nothing of it running. */
async function serve(call: Call<ServeOptions>): Promise<ExitCode> {
  const { options, terminal } = call;
  const { out, err } = terminal;
  const stop = stopRequest(err);
  const { start } = await import('./run.ts');
  const running = await start(call, stop.signal);
  // Asked to stop while it was starting.
  if (running === undefined) return exitCodes.ok;
  try {
    for (const line of describeRunning(running, err)) err.line(line);
    out.line(readyLine(running, call.format));
    // From now on the supervisor of `npm start` starts this process again.
    process.send?.('ready');
    await stop.requested;
  } finally {
    await shutDown(running, options.grace, (line) => err.line(line));
  }
  return exitCodes.ok;
}

async function shutDown(running: Running, graceInMs: number, say: (line: string) => void): Promise<void> {
  say(`sequent: stopping; what runs may finish within ${graceInMs / 1_000} s (Ctrl-C again stops at once)`);
  await running.stop(graceInMs);
  say('sequent: stopped');
}
