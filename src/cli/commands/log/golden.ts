import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { ZodError } from 'zod';
import { type Column, printList } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayCount } from '#src/cli/texts/say.ts';
import { messageOf } from '#src/core/errors.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import { action, type Call } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';

const DEFAULT_FOLDER = 'golden';

export function goldenCommand(): Command {
  return new Command('golden')
    .description('Histories of chosen invocations in files. A check folds them with the installed version and the present policies.')
    .addCommand(
      new Command('record')
        .summary('write the histories of invocations to a folder')
        .description('Writes the stream of each invocation, and its state, to a file of the folder. A file that exists is not changed.')
        .argument('<id...>', 'the request ids')
        .option('--function <name>', 'their function, if several functions were invoked with one id')
        .option('--to <folder>', 'the folder; -o <folder> means the same', DEFAULT_FOLDER)
        .addHelpText('after', recordExamples)
        .action(action<RecordOptions>(record)),
    )
    .addCommand(
      new Command('check')
        .summary('fold the histories of a folder again, without a server')
        .description('Folds each history with the installed version, and says what would come out differently.')
        .argument('[folder]', 'the folder', DEFAULT_FOLDER)
        .option(
          '--definitions <file...>',
          'files of function definitions, as "sequent fn get --json" prints them; their policies are checked',
        )
        .addHelpText('after', checkExamples)
        .action(action<CheckOptions>(check)),
    );
}

type RecordOptions = { function?: string; to: string };
type CheckOptions = { definitions?: string[] };

const recordExamples = `
Examples:
  sequent golden record order-4711 order-4712
  sequent ls orders --status FAIL --since 1d -o name | xargs sequent golden record --to test/golden

The files hold the payloads of the invocations. Record only what may stand in your repository.`;

const checkExamples = `
Examples:
  sequent golden check
  sequent golden check test/golden --definitions functions/*.json

Exit codes: 0 all come out the same, 1 something comes out differently, 2 no history or a file that is none.`;

async function record(call: Call<RecordOptions>): Promise<ExitCode> {
  const { args, options, terminal } = call;
  const { readGolden } = await import('../../golden/record-golden.ts');
  const written: string[] = [];
  await mkdir(options.to, { recursive: true });
  await withClient(options, async (client) => {
    for (const id of args) {
      const { function: owner, ...golden } = await readGolden(client, id, options.function);
      const file = join(options.to, `${owner.replace(':', '.')}-${id}.json`.replaceAll(/[^\w.=-]/g, '_'));
      const isNew = await writeFile(file, `${JSON.stringify(golden, null, 2)}\n`, { flag: 'wx' }).then(() => true, ifExists);
      if (isNew) written.push(file);
      else terminal.err.line(say('{file} exists and is not changed', { file: plain(file) }));
    }
  });
  printList(call, {
    rows: written,
    columns: [{ head: 'FILE', cell: (file) => file }],
    name: (file) => file,
    empty: say('nothing was written'),
  });
  return exitCodes.ok;
}

function ifExists(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}

type Row = { file: string; invocation: string; of: string; what: string };

const columns: Column<Row>[] = [
  { head: 'FILE', cell: ({ file }) => file },
  { head: 'INVOCATION', cell: ({ invocation }) => invocation },
  { head: 'OF', cell: ({ of }) => of },
  { head: 'WHAT', cell: ({ what }) => what },
];

async function check(call: Call<CheckOptions>): Promise<ExitCode> {
  const { args, options, terminal } = call;
  const folder = args[0] ?? DEFAULT_FOLDER;
  const { checkGolden } = await import('../../golden/check-golden.ts');
  const policies = await policiesIn(options.definitions ?? [], call);
  const rows: Row[] = [];
  let undecided = 0;
  const files = await filesOf(folder);
  for (const file of files) {
    const found = checkGolden(await readFileOf(join(folder, file)), policies);
    rows.push(...found.differences.map((one) => ({ file, ...one })));
    undecided += found.undecided;
  }
  const { err } = terminal;
  if (rows.length > 0 || call.format !== 'table') printList(call, { rows, columns, name: ({ file }) => file, empty: '' });
  if (undecided > 0)
    err.line(
      sayCount(undecided, [
        '{count} invocation undecided: the end under the present policy is not recorded',
        '{count} invocations undecided: the end under the present policy is not recorded',
      ]),
    );
  const checked = sayCount(files.length, ['{count} file checked', '{count} files checked']);
  const differences = sayCount(rows.length, ['{count} difference', '{count} differences']);
  err.line(
    rows.length === 0
      ? err.paint.green(say('{checked}: all come out the same', { checked }))
      : err.paint.red(say('{checked}: {differences}', { checked, differences })),
  );
  return rows.length === 0 ? exitCodes.ok : exitCodes.failed;
}

async function filesOf(folder: string): Promise<string[]> {
  const remedy = 'sequent golden record <id> --to <folder>';
  const found = await readdir(folder).catch((cause: unknown) => {
    throw usageProblem('there is no golden history', messageOf(cause), remedy);
  });
  const files = found.filter((file) => file.endsWith('.json')).sort();
  if (files.length === 0) throw usageProblem('there is no golden history', `${folder} holds no .json file`, remedy);
  return files;
}

async function readFileOf(file: string) {
  const { goldenSchema } = await import('../../golden/golden-history.ts');
  try {
    return goldenSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const what = `${file} is no golden history`;
    throw new CommandError(
      {
        code: 'USAGE',
        exitCode: exitCodes.usage,
        what,
        why: cause instanceof ZodError ? problemsOf(cause) : messageOf(cause),
        remedy: 'the files of sequent golden record',
      },
      { cause },
    );
  }
}

/** The policies of the files by function. A definition without a policy has the policy of such a function. */
async function policiesIn(files: readonly string[], call: Call): Promise<Map<string, Policy>> {
  const { readDefinitions } = await import('../fn/definition/read-definitions.ts');
  const { functionDefinitionSchema } = await import('#src/core/functions/definition.ts');
  const policies = new Map<string, Policy>();
  for (const file of files) {
    for (const { definition } of await readDefinitions(file, {}, call)) {
      const { name, policy } = functionDefinitionSchema.parse(definition);
      policies.set(name, policy);
    }
  }
  return policies;
}
