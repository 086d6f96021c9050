import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { commands, type LongCommand } from '#test/long/commands.ts';
import { hasFailed, type LongRun, runCommands, tableOf } from '#test/long/run-commands.ts';
import { tiers } from '#test/support/vitest/tiers.ts';
import { scripts as benchmarks, problemIn } from '../../../../bench/scripts.ts';

const checkout = new URL('../../../..', import.meta.url).pathname;
const read = (file: string): string => readFileSync(join(checkout, file), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** What the bundle of the simulation is made from. */
const bundled: Readonly<Record<string, string>> = { 'node_modules/.cache/simulate/run.mjs': 'test/simulate/run.ts' };
/** The long forms and benchmarks that the table leaves out, each with its reason. */
const leftOut: Readonly<Record<string, string>> = {
  'bench:commands': 'prints figures without a bound',
  'bench:cluster': 'prints figures without a bound',
  'bench:work-consumers': 'prints figures without a bound',
  'bench:scale': 'computes from the output of another benchmark',
};

type Started = { script: string; args: string[] };

/** The script of npm that a command runs, with its arguments. */
function startedBy(command: string): Started {
  const [, script = 'test', rest = ''] = /\bnpm (?:run (\S+)|test)(?: -- (.*))?$/.exec(command) ?? [];
  return { script, args: rest.split(' ').filter((arg) => arg !== '') };
}

/** The files that a script of npm starts. */
function filesOf(script: string): string[] {
  const named = [...(scripts[script] ?? '').matchAll(/\S+\.(?:m?[jt]s)\b/g)].map(([file]) => bundled[file] ?? file);
  return named.filter((file) => !file.startsWith('--'));
}

/** What a command line names and the project does not have: files, folders, kinds of tests, variables. */
function missingIn(line: string): string[] {
  const paths = [...line.matchAll(/(?:^|[ (/])((?:test|\.ci)\/[\w./-]+)/g)].map(([, path = '']) => path);
  const kinds = [...line.matchAll(/--project[ =](\S+)/g)].map(([, kind = '']) => kind);
  const variables = [...line.matchAll(/\b(SEQUENT_\w+)=/g)].map(([, name = '']) => name);
  return [
    // A test is named by the beginning of its path.
    ...paths.filter((path) => !isBeginningOfPath(path)),
    ...kinds.filter((kind) => !tiers.some(({ name }) => name === kind)),
    ...variables.filter((name) => !sourcesOfTests().some((text) => text.includes(name))),
  ];
}

function isBeginningOfPath(path: string): boolean {
  const folder = join(checkout, dirname(path));
  return existsSync(folder) && readdirSync(folder).some((name) => join(dirname(path), name).startsWith(path));
}

let texts: string[] | undefined;
function sourcesOfTests(): string[] {
  texts ??= readdirSync(join(checkout, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('long/') && !file.endsWith('long.test.ts'))
    .map((file) => read(join('test', file)));
  return texts;
}

/** The options that none of the files of a script declares. */
function undeclared({ script, args }: Started): string[] {
  const benchmark = Object.values(benchmarks).find((one) => one.script === script);
  if (benchmark !== undefined) return [problemIn(benchmark, args) ?? []].flat();
  const declaring = filesOf(script).map(read).join('\n');
  const given = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2));
  return given.filter((name) => !new RegExp(`[\\s{,]'?${name}'?: (?:\\{ type:|text\\b)|'--${name}'`).test(declaring));
}

describe('the table of the long form', () => {
  test('names each command once, by a word that --only can hold', () => {
    const names = commands.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z-]+$/);
  });

  test.for(commands)('the script, the files and the options of "$name" exist', ({ command }) => {
    const started = startedBy(command);
    expect(Object.keys(scripts)).toContain(started.script);
    for (const file of filesOf(started.script)) expect(existsSync(join(checkout, file)), file).toBe(true);
    expect(missingIn(command)).toEqual([]);
    expect(missingIn(scripts[started.script] ?? '')).toEqual([]);
    if (started.script !== 'test') expect(undeclared(started)).toEqual([]);
  });

  test('has every long form and every benchmark of package.json, or the reason why not', () => {
    const long = Object.keys(scripts).filter((name) => /^(?:soak|bench|neighbour|dead-targets|storm|canaries)\b/.test(name));
    const known = [...commands.map(({ command }) => startedBy(command).script), ...Object.keys(leftOut)];
    expect(long.filter((name) => !known.includes(name))).toEqual([]);
    expect(Object.keys(leftOut).filter((name) => !long.includes(name))).toEqual([]);
  });

  test.for([
    ['npm run soak:none', 'script'],
    ['npm run simulate -- --sed 1', 'option'],
    ['npm run bench:lean -- --quik', 'option'],
    ['npm test -- test/faults/kills/gone.test.ts', 'file'],
    ['npm test -- --project fault', 'kind'],
    ['SEQUENT_CHAOS_KILS=1 npm run soak', 'variable'],
  ] as const)('"%s" is found to name a missing %s', ([command]) => {
    const started = startedBy(command);
    const isKnown = started.script in scripts;
    const problems = [...missingIn(command), ...(isKnown && started.script !== 'test' ? undeclared(started) : [])];
    expect(isKnown && problems.length === 0).toBe(false);
  });
});

type Given = Partial<LongRun> & { onSaid?: (line: string, folder: string) => void };

/** Runs commands of the shell in a new folder. */
async function run(given: readonly (readonly [name: string, command: string])[], { onSaid, ...options }: Given = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sequent-long-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const said: string[] = [];
  const table: LongCommand[] = given.map(([name, command]) => ({ name, command, proves: '' }));
  const say = (line: string): void => {
    said.push(line);
    onSaid?.(line, folder);
  };
  const outcomes = await runCommands(table, { seed: 7, cwd: folder, folder, say, signal: new AbortController().signal, ...options });
  return { outcomes, said, folder, results: outcomes.map(({ result }) => result) };
}

describe('the runner of the long form', () => {
  test('goes on after a failure, and keeps the output and the seed of what failed', async () => {
    const { results, folder, said, outcomes } = await run([
      ['fails', 'echo found with $SEQUENT_SEED; exit 3'],
      ['holds', 'true'],
    ]);
    expect(results).toEqual(['exit code 3', 'passed']);
    expect(hasFailed(outcomes)).toBe(true);
    expect(readdirSync(folder)).toEqual(['fails.log']);
    expect(readFileSync(join(folder, 'fails.log'), 'utf8')).toMatch(/^SEQUENT_SEED=7 echo .*\nfound with 7\n$/);
    expect(said).toContainEqual(expect.stringContaining('npm run long -- --only fails --seed 7'));
    expect(tableOf(outcomes)).toEqual(['name   result       minutes', 'fails  exit code 3      0.0', 'holds  passed           0.0']);
  });

  test('says what a command printed last while it runs', async () => {
    // The command ends after its first line of progress.
    const onSaid = (line: string, folder: string): void => {
      if (line.endsWith('minute 0: begun')) writeFileSync(join(folder, 'seen'), '');
    };
    const { results } = await run([['waits', 'echo begun; while [ ! -e seen ]; do :; done']], { progressEveryMs: 20, onSaid });
    expect(results).toEqual(['passed']);
  });

  test('ends a command that takes too long, with what it started', async () => {
    const { results, folder } = await run([['hangs', 'sleep 1000 & echo $! > pid; wait']], { limitInMs: 500 });
    expect(results).toEqual(['over 0 minutes']);
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test('ends the command in progress when it is interrupted, and runs no further one', async () => {
    const stopping = new AbortController();
    const commands = [
      ['first', 'sleep 1000'],
      ['second', 'true'],
    ] as const;
    const { results } = await run(commands, { signal: stopping.signal, onSaid: () => stopping.abort() });
    expect(results).toEqual(['interrupted', 'not run']);
  });
});

/** Whether a process runs. One that ended may wait for its parent. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
