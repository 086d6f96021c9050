import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call, type GlobalOptions } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { explainTarget } from '../../session.ts';
import { addStreamOptions } from '../serve/options.ts';

export function natsStreamsCommand(): Command {
  const command = withDryRun(new Command('nats-streams'))
    .summary('create the JetStream streams of Sequent')
    .description(
      'Creates the streams and buckets on a NATS server, updates existing ones, and ends. The roles then need no permission to create streams.',
    );
  return addStreamOptions(command).addHelpText('after', examples).action(action(create));
}

const examples = `
Examples:
  sequent nats-streams --server nats://nats:4222 --nkey ./keys/admin/nats.nk
  sequent nats-streams --replicas 3 --stream-sizes log=20GB     in a cluster; start the roles with the same settings`;

async function create(call: Call): Promise<ExitCode> {
  const { readConfiguration, topologyOf } = await import('#src/main/config/configuration.ts');
  const { findNats } = await import('#src/main/config/find-nats.ts');
  const { createStreams } = await import('#src/main/roles/create-streams.ts');
  const { natsOptionsOf } = await import('#src/nats/transport/connection/connect-options.ts');
  const { openConnection } = await import('#src/nats/transport/connection/connection.ts');
  const { host, ...flags } = call.options as GlobalOptions;
  const configuration = readConfiguration({ flags: { ...flags, natsUrl: flags.server }, env: host.env });
  const address = await findNats(configuration, host.env);
  const { from: _, ...connecting } = address;
  const explain = explainTarget({ address, dataDir: configuration.dataDir });
  const connection = await openConnection(
    { role: 'operator', ...natsOptionsOf(connecting), name: 'sequent-streams', rehearsal: call.options.rehearsal },
    { onUnanswered: (problem) => call.terminal.err.line(`sequent: ${problem}`) },
  ).catch(explain);
  try {
    await createStreams(connection, { topology: topologyOf(configuration), auditRetentionInMs: configuration.auditRetentionInMs });
  } catch (error) {
    throw connection.refusals.explain(error);
  } finally {
    await connection.close();
  }
  const { servers } = connection;
  printOne(call, { value: { servers }, name: servers, lines: () => [say('the streams of Sequent exist on {servers}', { servers })] });
  return exitCodes.ok;
}
