import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withConnection } from '../../session.ts';
import { printStreams } from './backup.ts';

type RestoreOptions = { startServer?: true; replicas?: number };

export function restoreCommand(): Command {
  return withDryRun(new Command('restore'))
    .summary('create the streams of a backup on a server without them')
    .description(
      'Creates the streams of a backup, with their sequences, times and consumers. Every role must be stopped. A stream that exists is never changed.',
    )
    .argument('<folder>', 'the folder of sequent backup')
    .option('--start-server', 'start the NATS server of the data folder for the restore, and stop it afterwards')
    .option('--replicas <number>', 'how many servers of a cluster keep each stream (default: as in the backup)', parseWhole(1))
    .addHelpText('after', examples)
    .action(action<RestoreOptions>(restore));
}

const examples = `
Examples:
  sequent restore backups/2026-11-26 --start-server --data ./restored     then: npm start -- --data ./restored
  sequent restore backups/2026-11-26 --server nats://nats:4222 --nkey ./keys/admin/nats.nk

The sizes and hashes of all files are checked before anything is created.

Exit codes: 0 restored, 1 the backup is damaged, 4 a role runs or a stream exists.`;

async function restore(call: Call<RestoreOptions>): Promise<ExitCode> {
  const [folder = ''] = call.args;
  const { options, terminal } = call;
  const { err } = terminal;
  const { readBackup } = await import('../../backup/backup-files.ts');
  const { noteStreams, restoreBackup } = await import('../../backup/restore-backup.ts');
  const { printProgress } = await import('../../backup/progress.ts');
  const saved = await readBackup(folder);
  const work = (connection: Connection) =>
    restoreBackup(connection, saved, { folder, replicas: options.replicas, onProgress: printProgress(err) });
  if (options.rehearsal !== undefined && options.startServer === true) noteStreams(options.rehearsal, saved);
  else if (options.startServer === true) await withOwnServer(call, work);
  else await withConnection(options, work);
  printStreams(call, saved);
  const [first] = saved;
  err.line(
    say('restored what {folder} saved at {time}; now start the roles', { folder: plain(folder), time: plain(first?.checks.at ?? '') }),
  );
  return exitCodes.ok;
}

/** Starts the NATS server of the data folder, runs `work` and stops the server. */
async function withOwnServer({ options, terminal }: Call, work: (connection: Connection) => Promise<void>): Promise<void> {
  const { readConfiguration } = await import('#src/main/config/configuration.ts');
  const { ensureServer } = await import('#src/main/nats-server/fetch.ts');
  const { startServer } = await import('#src/main/nats-server/start.ts');
  const { natsOptionsOf } = await import('#src/nats/transport/connection/connect-options.ts');
  const { openConnection } = await import('#src/nats/transport/connection/connection.ts');
  const { dataDir, fsync } = readConfiguration({ flags: { data: options.data }, env: options.host.env });
  const { bin } = await ensureServer({ say: (line) => terminal.err.line(`sequent: ${line}`) });
  const server = await startServer({ bin, dataDir, fsync });
  try {
    const connection = await openConnection({
      ...natsOptionsOf({ servers: [server.url], nkeyFile: server.keyFile }),
      name: 'sequent-restore',
    });
    await work(connection).finally(() => connection.close());
  } finally {
    await server.stop();
  }
}
