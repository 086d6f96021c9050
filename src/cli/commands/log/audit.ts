import { Command, Option } from 'commander';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { parseProject } from '#src/cli/arguments/project.ts';
import { type Column, printList, tableLines } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import type { AuditEntry, AuditLog, AuditQuery } from '#src/core/ports/stores/audit-log.ts';
import { parseWhole } from '../../arguments/durations.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { printConnection, withClient } from '../../session.ts';

type AuditOptions = { project?: string; since: number; key?: string; action?: string; limit: number; follow?: true };

export function auditCommand(): Command {
  return new Command('audit')
    .description(
      'Lists the calls that changed or read something over HTTP or a NATS service, the oldest first. Equal frequent calls of a minute are one line.',
    )
    .option('--project <id>', 'only of this project; of all projects by default', parseProject)
    .addOption(
      new Option('--since <time>', 'only since then: a duration ago (2h, 7d), or a moment')
        .argParser(parsePointInTime)
        .default(Date.now() - 86_400_000, '1d'),
    )
    .option('--key <id>', 'only of this access key, token:…, anonymous, or nats:<role> that got the answer of a NATS service')
    .option('--action <name>', 'only this action, such as function.put or invocation.read')
    .option('-n, --limit <count>', 'the newest entries', parseWhole(1), 100)
    .option('-f, --follow', 'also print later entries, until Ctrl-C')
    .addHelpText('after', examples)
    .action(action<AuditOptions>(audit));
}

const examples = `
Examples:
  sequent audit --since 7d --action function.put
  sequent audit --project shop --key AK1 -f
  sequent audit --key nats:operator --action history.get
  sequent audit -o jsonl | jq -r .by | sort | uniq -c

An entry has no payload and no secret. A call of a NATS service has the role whose inbox got the answer, because NATS does not tell who sent a
message. Definitions that the command line writes are not in the audit log. Sequent's own decisions on canaries are: the key "sequent".`;

const columns: Column<AuditEntry>[] = [
  { head: 'TIME', cell: ({ at }) => new Date(at).toISOString() },
  { head: 'PROJECT', cell: ({ project }) => project },
  { head: 'KEY', cell: ({ by }) => by },
  { head: 'ACTION', cell: ({ action: done }) => done },
  { head: 'SUBJECT', cell: ({ subject = '' }) => subject },
  { head: 'STATUS', cell: ({ status }) => String(status), align: 'right' },
  { head: 'CALLS', cell: ({ count }) => String(count), align: 'right' },
  { head: 'REQUEST', cell: ({ requestId }) => requestId },
  { head: 'WHY', cell: ({ why = '' }) => why },
];

async function audit(call: Call<AuditOptions>): Promise<typeof exitCodes.ok> {
  const { project, since, key: by, action: done, limit, follow } = call.options;
  const query = { project, since, by, action: done };
  await withClient(call.options, async (client) => {
    const { createNatsAuditLog } = await import('#src/nats/streams/audit-log.ts');
    const log = createNatsAuditLog(client.connection);
    if (follow === true) {
      printConnection(client, call.terminal.err);
      return await followLog(call, log, query);
    }
    printList(call, {
      rows: await log.read(query, limit),
      columns,
      name: ({ requestId }) => requestId,
      empty: say('no call was recorded'),
    });
  });
  return exitCodes.ok;
}

/** Prints one line for each entry. Ctrl-C ends the process. */
async function followLog({ terminal: { out }, format }: Call<AuditOptions>, log: AuditLog, query: AuditQuery): Promise<void> {
  await log.follow(
    query,
    (entry) => {
      if (format === 'name') out.line(entry.requestId);
      else if (format !== 'table') out.line(JSON.stringify(entry));
      else out.line(tableLines({ rows: [entry], columns }, out)[1] ?? '');
    },
    new AbortController().signal,
  );
}
