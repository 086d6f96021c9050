import type { SequentClient } from '#src/client/client.ts';
import { NatsUnavailableError } from '#src/core/errors.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { NatsOptions } from '#src/nats/transport/connection.ts';
import type { GlobalOptions } from './call.ts';
import type { OutputStream } from './print/terminal.ts';
import { CommandError, problemOf, usageProblem } from './problem.ts';

/** Where a command connects to, and what decided that. */
export type Target = { options: NatsOptions & { tenancy: Tenancy; grants: Grants }; from: string; dataDir: string };

/** Finds the NATS to talk to: the flags, the environment, the server of the data folder, the context selected in `nats`. */
export async function findTarget({ server, context, data }: GlobalOptions): Promise<Target> {
  if (data !== undefined && /^[{["@]/.test(data)) {
    throw usageProblem('--data is not the event', 'it names the data folder of the server', `-d '${data}'`);
  }
  // What a command needs is loaded when it runs: the help needs none of it.
  const { grantsOf, readConfiguration } = await import('#src/main/config/configuration.ts');
  const { findNats } = await import('#src/main/config/find-nats.ts');
  const { natsOptionsOf } = await import('#src/nats/transport/connect-options.ts');
  const configuration = readConfiguration({ flags: { natsUrl: server, context, data } });
  const { from, ...address } = await findNats(configuration);
  const tenancy: Tenancy = { region: 'local', project: configuration.project ?? 'default', envelope: configuration.envelope };
  return {
    options: { ...natsOptionsOf(address), name: 'sequent-cli', tenancy, grants: grantsOf(configuration) },
    from,
    dataDir: configuration.dataDir,
  };
}

/** Connects, lets the command work, and closes, whatever comes of it. */
export async function withClient<Value>(options: GlobalOptions, work: (client: SequentClient) => Promise<Value>): Promise<Value> {
  const target = await findTarget(options);
  const { connectClient } = await import('#src/client/client.ts');
  await using client = await connectClient(target.options).catch(explainTarget(target));
  return await work(client);
}

/** Says in the error who chose the address that does not answer. */
export function explainTarget({ from }: Pick<Target, 'from'>): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof NatsUnavailableError)) throw error;
    const problem = problemOf(error);
    throw new CommandError({ ...problem, why: `${problem.why} (the address comes from ${from})` }, { cause: error });
  };
}

/** For commands that wait: says when the connection is lost and when it is back, and what the server does not permit. */
export function sayConnection({ connection }: SequentClient, { line, paint }: Pick<OutputStream, 'line' | 'paint'>): void {
  connection.onDisconnect(() => line(paint.yellow('the connection to NATS is lost; trying again')));
  connection.onReconnect(() => line(paint.dim('connected to NATS again; nothing was left out')));
  connection.refusals.onMissingPermission((message) => line(paint.red(message)));
}
