import { Command } from 'commander';
import type { SignedHead } from '#src/archive/heads/signed-head.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call } from '../../call.ts';
import { ARCHIVE_OPTION, type ArchiveOptions, openArchiveOf } from '../../history/whole-log.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function headsCommand(): Command {
  return new Command('heads')
    .description(
      'Lists the signed heads of the log, the oldest first. Keep some of them elsewhere: "sequent verify --anchor" compares them.',
    )
    .option(...ARCHIVE_OPTION)
    .addHelpText('after', examples)
    .action(action<ArchiveOptions>(list));
}

const examples = `
Examples:
  sequent heads
  sequent heads -o jsonl | tail -n 1 > /elsewhere/head.json    a head for a third party
  sequent verify --anchor /elsewhere/head.json`;

const columns: Column<SignedHead>[] = [
  { head: 'SEQUENCE', cell: ({ sequence }) => String(sequence), align: 'right' },
  { head: 'SIGNED', cell: ({ signedAt }) => formatMoment(signedAt) },
  { head: 'KEY', cell: ({ key }) => key },
  { head: 'SHA-256', cell: ({ hash }) => hash.slice(0, 12) },
];

async function list(call: Call<ArchiveOptions>): Promise<ExitCode> {
  return await withClient(call.options, async (client) => {
    const { heads } = await openArchiveOf(call.options, client);
    const rows = await heads.list();
    printList(call, {
      rows,
      columns,
      name: ({ sequence }) => String(sequence),
      empty: say('no head is signed: start the projection with --signing-key'),
    });
    return exitCodes.ok;
  });
}
