import { Command, InvalidArgumentError } from 'commander';
import type { Backoff } from '#machines/facts.ts';
import type { Policy, Supposition } from '#src/analysis/what-if/what-if.ts';
import type { Sum } from '#src/analysis/what-if/what-if-sum.ts';
import { parseDuration, parseWhole } from '#src/cli/arguments/durations.ts';
import { parsePointInTime } from '#src/cli/arguments/moment.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { ARCHIVE_OPTION, type ArchiveOptions, openArchiveOf } from '../../history/whole-log.ts';
import { exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

type WhatIfOptions = ArchiveOptions & {
  function?: string;
  maxRetries?: number;
  maxAge?: number;
  backoff?: Partial<Backoff>;
  since?: number;
  undecided?: true;
  all?: true;
};

export function whatIfCommand(): Command {
  return new Command('whatif')
    .description(
      'Folds recorded histories under another policy. Each attempt keeps its recorded result, also at another time. Without a recorded attempt the result is "undecided".',
    )
    .option('--function <name>', 'only of this function')
    .option('--max-retries <count>', 'the number of retries', parseWhole(0, 100))
    .option('--max-age <duration>', 'no attempt starts later than this after acceptance', parseDuration)
    .option('--backoff <initial[,factor[,max]]>', 'another delay between attempts, such as 5s,2,10m', parseBackoff)
    .option('--since <when>', 'only accepted since then: 30m, 2h, 30d ago, or 2026-01-31T12:00:00Z', parsePointInTime)
    .option(...ARCHIVE_OPTION)
    .option('--undecided', 'list invocations too whose history decides nothing')
    .option('--all', 'list every invocation')
    .addHelpText('after', examples)
    .action(action<WhatIfOptions>(whatIf));
}

const examples = `
Examples:
  sequent whatif --function orders --max-retries 3
  sequent whatif --max-age 10m --since 1d
  sequent whatif --backoff 5s,2,10m -o jsonl  one invocation per line`;

function parseBackoff(text: string): Partial<Backoff> {
  const [initial = '', factor, max] = text.split(',');
  if (factor !== undefined && !(Number(factor) >= 1 && Number(factor) <= 10)) throw new InvalidArgumentError('The factor is 1 to 10.');
  return {
    initialInMs: parseDuration(initial),
    ...(factor === undefined ? {} : { factor: Number(factor) }),
    ...(max === undefined ? {} : { maxInMs: parseDuration(max) }),
  };
}

async function whatIf(call: Call<WhatIfOptions>): Promise<typeof exitCodes.ok> {
  const { options, terminal, format } = call;
  const { out, err } = terminal;
  const policy = policyIn(options);
  if (Object.keys(policy).length === 0) {
    throw usageProblem('the command needs another policy', 'no option changes the policy', 'sequent whatif --max-retries 3');
  }
  if (options.function !== undefined) parseFunctionName(options.function);
  const listed: Supposition[] = [];
  let omitted = 0;
  const sum = await suppose(call, policy, (supposition) => {
    if (!isListed(supposition, options)) return;
    if (format === 'jsonl') out.line(JSON.stringify(supposition));
    else if (format === 'name') out.line(supposition.requestId);
    else if (format === 'json' || listed.length < MAX_LISTED) listed.push(supposition);
    else omitted++;
  });
  // The summary comes first, because the list may be long.
  for (const text of totalsOf(sum, options)) err.line(text);
  if (format === 'json') out.line(JSON.stringify({ policy, sum, invocations: listed }, null, 2));
  else for (const supposition of listed) out.line(line(supposition));
  if (omitted > 0) err.line(say('{count} more are not listed: -o jsonl lists all', { count: omitted }));
  return exitCodes.ok;
}

/** The most lines for a person. */
const MAX_LISTED = 1_000;

function isListed({ kind }: Supposition, { all, undecided }: WhatIfOptions): boolean {
  return all === true || kind === 'different' || (kind === 'undecided' && undecided === true);
}

function policyIn({ maxRetries, maxAge, backoff }: WhatIfOptions): Policy {
  return {
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(maxAge === undefined ? {} : { maxAgeInMs: maxAge }),
    ...(backoff === undefined ? {} : { backoff }),
  };
}

async function suppose({ options }: Call<WhatIfOptions>, policy: Policy, onSupposition: (one: Supposition) => void): Promise<Sum> {
  const { createWholeLog } = await import('#src/archive/segments/whole-log.ts');
  const { createHistoryCollector } = await import('#src/analysis/history-collector.ts');
  const { readUpTo } = await import('#src/core/log/read-up-to.ts');
  const { createSum } = await import('#src/analysis/what-if/what-if-sum.ts');
  const { whatIf: fold } = await import('#src/analysis/what-if/what-if.ts');
  const { requestIn } = await import('#src/analysis/history.ts');
  const { systemClock } = await import('#src/core/ports/clock.ts');
  const { sum, add } = createSum();
  const { function: only, since = 0 } = options;
  const collector = createHistoryCollector((history) => {
    if ((only !== undefined && history.function !== only) || (history.transitions[0]?.fact.at ?? 0) < since) return;
    // A batch has no policy. Its members are histories of their own.
    if (requestIn(history)?.opens !== undefined) return;
    const supposition = fold(history, policy);
    add(supposition);
    onSupposition(supposition);
  });
  await withClient(options, async (client) => {
    const { archive, source } = await openArchiveOf(options, client);
    const whole = createWholeLog(source, archive);
    const span = { from: 1, to: await client.lastSequence(), clock: systemClock };
    await readUpTo(whole, span, ({ content }) => collector.read(content));
  });
  collector.finish();
  return sum;
}

function line(supposition: Supposition): string {
  const { requestId, function: name, recorded } = supposition;
  const was = recorded === undefined ? say('is open') : say('{ending} after {attempts}', endingOf(recorded));
  return say('{name}  {id}  {was}; {would}', { name: plain(name), id: requestId, was, would: wouldHave(supposition) });
}

function wouldHave(supposition: Supposition): string {
  if (supposition.kind === 'undecided')
    return say('undecided after {attempts}: {why}', { attempts: attemptsIn(supposition.attempts), why: supposition.why });
  const { supposed } = supposition;
  if (supposition.kind === 'same') return say('would have ended the same');
  return say('would have {ending} after {attempts}', endingOf(supposed));
}

const attemptsIn = (count: number): string => sayCount(count, ['{count} attempt', '{count} attempts']);

function endingOf({ outcome, condition, attempts }: { outcome: string; condition?: string; attempts: number }) {
  const word = sayWord(outcome);
  const ending = condition === undefined ? word : say('{ending} ({condition})', { ending: word, condition });
  return { ending, attempts: attemptsIn(attempts) };
}

function totalsOf({ invocations, same, different, undecided, changes, attempts, laterInMs }: Sum, options: WhatIfOptions): string[] {
  if (invocations === 0) return [say('no invocation matches')];
  const counted = sayCount(invocations, ['{count} invocation', '{count} invocations']);
  const isListed = options.undecided === true || options.all === true;
  return [
    say('{invocations}: {same} the same, {different} different, {undecided} undecided', {
      invocations: counted,
      same,
      different,
      undecided,
    }),
    ...Object.entries(changes).map(([change, count]) => say('{count}: {change}', { count, change: changeInWords(change) })),
    ...(undecided > 0 && !isListed ? [say('{count} undecided are not listed: --undecided', { count: undecided })] : []),
    say('of the decided: {supposed} attempts instead of {recorded}, {later}', { ...attempts, later: laterInWords(laterInMs) }),
  ];
}

/** The words of a change, such as `succeeded → failed (EventAgeExceeded)`. */
function changeInWords(change: string): string {
  return change
    .replace('after another number of attempts', () => say('after another number of attempts'))
    .replaceAll(/succeeded|failed/g, sayWord);
}

function laterInWords(laterInMs: number): string {
  if (laterInMs === 0) return say('at the same times');
  const duration = formatDuration(Math.abs(laterInMs));
  return laterInMs > 0 ? say('{duration} later in total', { duration }) : say('{duration} earlier in total', { duration });
}
