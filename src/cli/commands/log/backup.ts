import { Command } from 'commander';
import { formatBytes } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import { VERSION } from '#src/client/version.ts';
import type { SavedStream } from '../../backup/backup-files.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withConnection } from '../../session.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .summary('save all streams to a folder, also while everything runs')
    .description(
      'Saves the log, the functions with their code, the results and the state: a snapshot of each JetStream stream, which the server checks first. The archive and the files of keys are not part of the backup.',
    )
    .argument('<folder>', 'the folder; it must be empty, or not exist')
    .addHelpText('after', examples)
    .action(action(backup));
}

const examples = `
Examples:
  sequent backup backups/2026-11-26
  sequent backup backups/2026-11-26 --server nats://nats:4222 --nkey ./keys/admin/nats.nk
  sequent restore backups/2026-11-26 --start-server --data ./restored

A backup holds payloads: only its owner can read it. Copy the archive after it. "nats account restore" reads the folder too.

Exit codes: 0 saved, 2 the folder is not empty, 3 no log, 4 functions were changed all the time.`;

const columns: Column<SavedStream>[] = [
  { head: 'STREAM', cell: ({ snapshot }) => snapshot.config.name },
  { head: 'MESSAGES', cell: ({ snapshot }) => String(snapshot.state.messages), align: 'right' },
  { head: 'LAST', cell: ({ snapshot }) => String(snapshot.state.last_seq), align: 'right' },
  { head: 'SIZE', cell: ({ checks }) => formatBytes(checks.bytes), align: 'right' },
  { head: 'SHA-256', cell: ({ checks }) => checks.sha256.slice(0, 12) },
];

/** Prints the streams of a backup. */
export function printStreams(call: Call, rows: readonly SavedStream[]): void {
  const toJson = ({ snapshot: { config, state }, checks: { bytes, sha256 } }: SavedStream) => {
    const { messages, first_seq: first, last_seq: last } = state;
    return { stream: config.name, messages, first, last, bytes, sha256 };
  };
  printList(call, { rows, columns, name: ({ snapshot }) => snapshot.config.name, toJson, empty: say('no stream') });
}

async function backup(call: Call): Promise<ExitCode> {
  const [folder = ''] = call.args;
  const { err } = call.terminal;
  const { createBackupFolder, emptyBackupFolder } = await import('../../backup/backup-files.ts');
  const { takeBackup } = await import('../../backup/take-backup.ts');
  const { printProgress } = await import('../../backup/progress.ts');
  createBackupFolder(folder);
  const options = { folder, version: VERSION, onProgress: printProgress(err) };
  const taking = withConnection(call.options, (connection) => takeBackup(connection, options));
  const { saved, inMemory } = await taking.catch((error: unknown) => {
    emptyBackupFolder(folder);
    throw error;
  });
  printStreams(call, saved);
  for (const name of inMemory) err.line(err.paint.yellow(say('{name} is kept in memory, and is not saved', { name })));
  err.line(say('saved in {folder}; try: sequent restore {folder} --start-server --data <empty folder>', { folder: plain(folder) }));
  return exitCodes.ok;
}
