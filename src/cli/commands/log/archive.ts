import { Command } from 'commander';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayCount } from '#src/cli/texts/say.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { action, type Call } from '../../call.ts';
import { ARCHIVE_OPTION, type ArchiveOptions, openArchiveOf } from '../../history/whole-log.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function archiveCommand(): Command {
  return new Command('archive')
    .description('The archived part of the log, in segments that are chained by their hashes. The log is purged after it is archived.')
    .addCommand(sub('ls', 'list the segments, oldest first').action(action<ArchiveOptions>(ls)))
    .addCommand(
      sub('verify', 'read and check every segment and their chain (exit code 1: damage was found)').action(action<ArchiveOptions>(verify)),
    );
}

function sub(name: string, summary: string): Command {
  return new Command(name)
    .summary(summary)
    .description(summary)
    .option(...ARCHIVE_OPTION);
}

const columns: Column<Segment>[] = [
  { head: 'FIRST', cell: ({ first }) => String(first), align: 'right' },
  { head: 'LAST', cell: ({ last }) => String(last), align: 'right' },
  { head: 'FROM', cell: ({ firstAt }) => formatMoment(firstAt) },
  { head: 'TO', cell: ({ lastAt }) => formatMoment(lastAt) },
  { head: 'MESSAGES', cell: ({ messages }) => String(messages), align: 'right' },
  { head: 'ERASED', cell: ({ erased }) => (erased === 0 ? '' : String(erased)), align: 'right' },
  { head: 'MISSING', cell: ({ missing }) => (missing === 0 ? '' : String(missing)), align: 'right' },
  { head: 'SHA-256', cell: ({ content }) => content.slice(0, 12) },
];

async function ls(call: Call<ArchiveOptions>): Promise<ExitCode> {
  return await withClient(call.options, async (client) => {
    const { archive, log } = await openArchiveOf(call.options, client);
    const rows = [...(await archive.segments(log))];
    printList(call, {
      rows,
      columns,
      name: ({ first }) => String(first),
      empty: say('no segment is archived in {store}', { store: plain(archive.store.name) }),
    });
    return exitCodes.ok;
  });
}

async function verify(call: Call<ArchiveOptions>): Promise<ExitCode> {
  const { options, terminal } = call;
  const { err } = terminal;
  return await withClient(options, async (client) => {
    const { archive, log, head } = await openArchiveOf(options, client);
    const { checkArchive } = await import('#src/archive/segments/check.ts');
    const { segments, problems } = await checkArchive(archive, { log, head });
    printProblems(call, { archive: archive.store.name, segments: segments.length, problems });
    const messages = segments.reduce((sum, one) => sum + one.messages, 0);
    err.line(
      say('{segments} with {messages} in {store}', {
        segments: sayCount(segments.length, ['{count} segment', '{count} segments']),
        messages: sayCount(messages, ['{count} message', '{count} messages']),
        store: plain(archive.store.name),
      }),
    );
    err.line(
      problems.length === 0
        ? err.paint.green(say('no problem'))
        : err.paint.red(sayCount(problems.length, ['{count} problem', '{count} problems'])),
    );
    return problems.length === 0 ? exitCodes.ok : exitCodes.failed;
  });
}

type Checked = { archive: string; segments: number; problems: { segment: string; problem: string }[] };

function printProblems({ terminal: { out }, format }: Call<ArchiveOptions>, checked: Checked): void {
  if (format === 'json') return out.line(JSON.stringify(checked, null, 2));
  for (const { segment, problem } of checked.problems) {
    if (format === 'jsonl') out.line(JSON.stringify({ segment, problem }));
    else out.line(format === 'name' ? segment : `${out.paint.bold(segment)} ${plain(problem)}`);
  }
}
