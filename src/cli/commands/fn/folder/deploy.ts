import { Command } from 'commander';
import { action, type Call } from '#src/cli/call.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { CommandError, type ExitCode, exitCodes, problemOf, usageProblem } from '#src/cli/problem.ts';
import { withClient } from '#src/cli/session.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { dependentsInWords } from '../dependents-in-words.ts';
import type { DeployStep, Removals, StepOutcome } from './deploy-steps.ts';

type DeployOptions = { prune?: true; plan?: true; yes?: true };

export function deployCommand(): Command {
  return withDryRun(new Command('deploy'))
    .summary('make a server have the functions and schedules of a folder')
    .description(
      'Changes functions, their versions and aliases, and schedules, to what sequent.json of the folder names, and keeps all else. Everything is checked before the first change. A function is stored as a whole; the same command continues a deployment that failed.',
    )
    .argument('<folder>', 'a folder with sequent.json; sequent fn export writes one')
    .option('--plan', 'as --dry-run; the exit code tells whether something would change')
    .option('--prune', 'also remove functions and schedules that the folder does not name, and aliases beside those that it names')
    .option('-y, --yes', 'do not ask before --prune removes something')
    .addHelpText('after', examples)
    .action(action<DeployOptions>(deploy));
}

const examples = `
Examples:
  sequent fn export shop
  sequent fn deploy shop --plan
  sequent fn deploy shop
  sequent fn deploy shop --prune --yes

Exit codes: 0 deployed, or nothing to change; 8 something would change (--plan); 2 the folder is not valid, or code cannot be loaded; others: see sequent --help.`;

type Plan = { steps: DeployStep[]; removals: Removals };

async function deploy(call: Call<DeployOptions>): Promise<ExitCode> {
  const { args, options } = call;
  const { readFolder } = await import('./read-folder.ts');
  const folder = await readFolder(args[0] ?? '');
  return await withClient(options, async (client) => {
    const { removalsOf, stepsOf } = await import('./deploy-steps.ts');
    const prunes = options.prune === true;
    const removals = prunes ? await removalsOf(folder, client) : { functions: [], schedules: [] };
    const plan = { steps: stepsOf(folder, removals, { env: options.host.env, prunes }), removals };
    // A rehearsal finds every refusal that can be known before the first change.
    if (options.rehearsal === undefined) await rehearseFirst(call, plan);
    if (!(await mayRemove(call, plan, client))) return exitCodes.failed;
    await apply(call, plan, client);
    return exitCodes.ok;
  });
}

async function rehearseFirst({ options }: Call<DeployOptions>, { steps }: Plan): Promise<void> {
  const { Rehearsal } = await import('#src/nats/transport/rehearsal.ts');
  await withClient({ ...options, output: 'json', rehearsal: new Rehearsal() }, async (client) => {
    for (const { subject, run } of steps) await naming(subject, () => run(client));
  });
}

/** Whether nothing is removed, or the caller agreed. */
async function mayRemove({ options, terminal }: Call<DeployOptions>, { removals }: Plan, client: SequentClient): Promise<boolean> {
  const names = [...removals.schedules, ...removals.functions];
  if (names.length === 0 || options.yes === true) return true;
  const targets = removals.functions.map((name) => ({ name, qualifier: undefined }));
  for (const line of await dependentsInWords(client, targets as never, removals.schedules)) terminal.warn(line);
  const text = names.map(plain).join(', ');
  if (!terminal.canAsk) {
    const why = `--prune would remove ${text}, and there is no terminal to ask on`;
    throw usageProblem('nothing was deployed', why, 'the same command with --yes');
  }
  if (await terminal.ask(say('Remove {names}? Queued invocations will fail.', { names: text }))) return true;
  terminal.err.line(say('nothing was deployed'));
  return false;
}

type Done = { subject: string; outcome: StepOutcome };

async function apply(call: Call<DeployOptions>, { steps }: Plan, client: SequentClient): Promise<void> {
  const { terminal, format } = call;
  const done: Done[] = [];
  for (const { subject, words, run } of steps) {
    const outcome = await run(client).catch((error: unknown) => {
      throw interrupted(error, { subject, done, left: steps.slice(done.length + 1) });
    });
    done.push({ subject, outcome });
    printStep(call, words, { subject, outcome });
  }
  if (format === 'json') terminal.out.line(JSON.stringify({ steps: done }, null, 2));
  if (format === 'table' && done.every(({ outcome }) => outcome === 'unchanged')) terminal.err.line(say('nothing had to be changed'));
}

/** A step is printed when it is done, so that an interrupted command shows what it changed. */
function printStep({ terminal: { out }, format }: Call<DeployOptions>, words: string, step: Done): void {
  const { subject, outcome } = step;
  if (format === 'table') out.line(`${words}: ${sayWord(outcome)}`);
  if (format === 'name' && outcome !== 'unchanged') out.line(subject);
  if (format === 'jsonl') out.line(JSON.stringify(step));
}

async function naming<Value>(subject: string, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    const problem = problemOf(error);
    throw new CommandError({ ...problem, why: `${subject}: ${problem.why}; nothing was changed` }, { cause: error });
  }
}

/** At most this many names are listed. */
const MAX_LISTED = 20;

function interrupted(
  error: unknown,
  { subject, done, left }: { subject: string; done: readonly Done[]; left: readonly DeployStep[] },
): CommandError {
  const problem = problemOf(error);
  const changed = done.filter(({ outcome }) => outcome !== 'unchanged').map((one) => one.subject);
  const why = `${subject}: ${problem.why}; applied: ${listed(changed)}; not applied: ${listed([subject, ...left.map((one) => one.subject)])}`;
  const remedy = `${problem.remedy}; then the same command, which continues`;
  return new CommandError({ ...problem, why, remedy }, { cause: error });
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  const more = names.length > MAX_LISTED ? [`and ${names.length - MAX_LISTED} more`] : [];
  return [...names.slice(0, MAX_LISTED), ...more].join(', ');
}
