import { Command } from 'commander';
import type { Finding } from '#src/analysis/verify/findings.ts';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { type OutputStream, plain } from '#src/cli/print/terminal.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call, type Format } from '../../call.ts';
import type { LogVerification } from '../../history/verify-log.ts';
import { ARCHIVE_OPTION, type ArchiveOptions, openArchiveOf } from '../../history/whole-log.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { believedHeads, type HeadOptions, verifyOffline } from './verify-offline.ts';

type VerifyOptions = ArchiveOptions & HeadOptions & { from: number; strict?: true };

export function verifyCommand(): Command {
  return new Command('verify')
    .description('Folds the whole log and its archive with the machine of this version, and lists every violation of a rule of Sequent.')
    .option('--from <sequence>', 'from this sequence of the log on, without invocations that were accepted before', parseWhole(1), 1)
    .option('--strict', 'also read each fact by the specification, which shares no code with the machine')
    .option(...ARCHIVE_OPTION)
    .option('--anchor <file>', 'also prove that the log holds what these signed heads commit to, which a third party kept')
    .option('--public-key <file>', 'the key of the signed heads: also compares the stored heads of this key')
    .option('--offline <folder>', 'verify this copy of an archive, without a server; needs --public-key')
    .addHelpText('after', examples)
    .action(action<VerifyOptions>(verify));
}

const examples = `
Examples:
  sequent verify
  sequent verify --json | jq '.findings[] | select(.rule == "T1")'
  sequent verify -o jsonl                     one finding per line
  sequent verify --from 1000000
  sequent verify --strict                     the log is a trace of test/specification/life.qnt
  sequent verify --anchor head.json           the log is still the one of this head
  sequent verify --offline ./copy --public-key signing.key.pub

The rules (E2 to A1) are those of src/DESIGN.md. Exit codes: 0 no finding, 1 findings.`;

const PROGRESS_EVERY_MS = 2_000;

async function verify(call: Call<VerifyOptions>): Promise<ExitCode> {
  const { options, terminal, format } = call;
  if (options.offline !== undefined && options.strict === true)
    throw usageProblem(
      '--offline excludes --strict',
      'a copy of an archive is compared with its signed heads, and not folded',
      'without --strict',
    );
  if (options.offline !== undefined) return await verifyOffline(call);
  if (options.from !== 1 && (options.anchor ?? options.publicKey) !== undefined)
    throw usageProblem(
      '--from excludes --anchor and --public-key',
      'a signed head covers the log from its first message on',
      'without --from',
    );
  const { err } = terminal;
  const startedAt = Date.now();
  const verification = await withClient(options, (client) => fold(client, options, err));
  const { findings, found, messages, proved } = verification;
  printFindings(verification, { format, out: terminal.out });
  if (found > findings.length) err.line(say('and {count} more', { count: found - findings.length }));
  err.line(
    say('{messages} in {duration}: {balance}', {
      messages: sayCount(messages, ['{count} message', '{count} messages']),
      duration: formatDuration(Date.now() - startedAt),
      balance: balanceInWords(verification),
    }),
  );
  if (proved !== undefined) err.line(say('the signed heads prove the messages up to {sequence}', { sequence: proved }));
  err.line(found === 0 ? err.paint.green(say('no finding')) : err.paint.red(sayCount(found, ['{count} finding', '{count} findings'])));
  return found === 0 ? exitCodes.ok : exitCodes.failed;
}

function printFindings(verification: LogVerification, { format, out }: { format: Format; out: OutputStream }): void {
  if (format === 'json') return out.line(JSON.stringify(verification, null, 2));
  for (const finding of verification.findings) {
    if (format === 'jsonl') out.line(JSON.stringify(finding));
    else if (format === 'name') out.line(finding.invocation ?? String(finding.sequence));
    else out.line(findingLine(finding, out));
  }
}

async function fold(client: SequentClient, options: Call<VerifyOptions>['options'], err: OutputStream): Promise<LogVerification> {
  const { verifyLog } = await import('../../history/verify-log.ts');
  const { findUnreadResults } = await import('#src/nats/streams/results/unread-results.ts');
  let printedAt = Date.now();
  const opened = await openArchiveOf(options, client);
  return await verifyLog(opened, {
    from: options.from,
    isStrict: options.strict === true,
    heads: await believedHeads(options, opened),
    // A part of the log says nothing about the results.
    ...(options.from === 1 ? { findUnreadResults: () => findUnreadResults(client.connection) } : {}),
    onProgress(share) {
      const now = Date.now();
      if (now - printedAt < PROGRESS_EVERY_MS) return;
      printedAt = now;
      err.line(err.paint.dim(say('{percent} % of the log is read', { percent: Math.floor(100 * share) })));
    },
  });
}

function findingLine({ rule, sequence, kind, function: name, invocation, what }: Finding, { paint }: OutputStream): string {
  const whose = invocation === undefined ? '' : `${name === undefined ? '' : `${plain(name)} `}${plain(invocation)}: `;
  return say('{rule} {kind} at {sequence}: {what}', {
    rule: paint.red(rule),
    kind: paint.bold(kind),
    sequence,
    what: `${whose}${plain(what)}`,
  });
}

function balanceInWords({ balance, skipped, erased }: LogVerification): string {
  const open = Object.entries(balance.open).map(([state, count]) => say('{count} {state}', { count, state: sayWord(state) }));
  const appends = sayCount(skipped, ['{count} append', '{count} appends']);
  const left = skipped === 0 ? '' : say('; {appends} about earlier requests left out', { appends });
  const messages = sayCount(erased, ['{count} message', '{count} messages']);
  const gone = erased === 0 ? '' : say('; {messages} erased on request', { messages });
  const { accepted, settled } = balance;
  const sum = say('{accepted} accepted = {settled} settled + {open}', { accepted, settled, open: open.join(' + ') || say('0 open') });
  return `${sum}${left}${gone}`;
}
