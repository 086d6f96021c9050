import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { replay, type SpecifiedState } from './replay.ts';

/*
 * npm run specify: simulates the specification in Quint, checks its invariants in every step, and replays every trace on the machine and on
 * the stream writer. Ends with 1 when a rule is broken, or when the code and the specification disagree. With `--mutations` it breaks the
 * specification in one way at a time, and expects that each breakage is found.
 */
const { values } = parseArgs({
  options: {
    traces: { type: 'string', default: '10000' },
    steps: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    mutations: { type: 'boolean', default: false },
  },
});
const quint = new URL('../../node_modules/@informalsystems/quint/dist/src/cli.js', import.meta.url).pathname;
const specification = new URL('life.qnt', import.meta.url).pathname;

/** Breakages of the specification, by the text that each replaces. The traces of a broken one must break a rule, or differ from the code. */
const mutations: readonly { name: string; from: string; to: string }[] = [
  { name: 'T1: a first attempt starts early', from: 'f.number == 1 and f.at >= l.dueAt and', to: 'f.number == 1 and' },
  { name: 'T1: a retry starts early', from: 'f.number == l.attempts + 1 and f.at >= l.dueAt,', to: 'f.number == l.attempts + 1,' },
  {
    name: 'E5: the fence is removed',
    from: 'f.kind == "succeeded" and l.state == "running" and f.number == l.attempts',
    to: 'f.kind == "succeeded" and l.state == "running"',
  },
  { name: 'E5: a retry is not counted', from: 'if (f.failure == "function") 1 else 0', to: 'if (f.failure == "none") 1 else 0' },
  { name: 'E5: a lost attempt is not counted', from: 'if (f.failure == "lost") 1 else 0', to: 'if (f.failure == "none") 1 else 0' },
  {
    name: 'E4: notified twice',
    from: '(l.state == "succeeded" or l.state == "failed") and isSettled(l)',
    to: 'isOver(l) and isSettled(l)',
  },
  {
    name: 'D1: notified before the delivery is settled',
    from: '(l.state == "succeeded" or l.state == "failed") and isSettled(l)',
    to: '(l.state == "succeeded" or l.state == "failed")',
  },
  {
    name: 'D1: a try is repeated',
    from: 'l.delivery == "pending" and f.number == l.tries + 1',
    to: 'l.delivery == "pending" and f.number >= l.tries',
  },
  { name: 'DEB1: a member starts', from: 'l.waits != "group" and l.group != "member"', to: 'l.waits != "group"' },
  {
    name: 'DEB1: a wait after the closed group counts',
    from: 'if (l.group == "none") { ...l, waits: "group" } else l',
    to: '{ ...l, waits: "group" }',
  },
  { name: 'DEB2: a group closes early', from: 'l.group == "none" and f.at >= f.dueAt', to: 'l.group == "none"' },
  { name: 'DEB3: a member ends without its leader', from: 'f.number == 0 and f.byLeader == (l.group == "member")', to: 'f.number == 0' },
];

/** Reads a state of the Informal Trace Format: a number is an object there. */
function readNumbers(_key: string, value: unknown): unknown {
  const bigint = (value as { '#bigint'?: string } | null)?.['#bigint'];
  return bigint === undefined ? value : Number(bigint);
}

/** Writes traces into a folder. Throws when a trace breaks a rule. */
function simulate(file: string, folder: string, traces: string): void {
  const simulated = ['--max-samples', traces, '--n-traces', traces, '--max-steps', values.steps, '--seed', values.seed];
  // The TypeScript back end needs no download.
  const options = ['--backend', 'typescript', '--mbt', '--invariant', 'rules', '--out-itf', join(folder, '{seq}.json'), ...simulated];
  execFileSync(process.execPath, [quint, 'run', ...options, file], { stdio: 'pipe' });
}

type Verdict = { difference: string | undefined; traces: number; steps: number; transitions: number };

async function specify(file: string, folder: string, traces: string): Promise<Verdict> {
  try {
    simulate(file, folder, traces);
  } catch (error) {
    const output = (error as { stdout?: Buffer }).stdout?.toString().trim().split('\n').at(-1);
    return { difference: output ?? String(error), traces: 0, steps: 0, transitions: 0 };
  }
  let steps = 0;
  const reached = new Set<string>();
  const found = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  for (const name of found) {
    const { states } = JSON.parse(await readFile(join(folder, name), 'utf8'), readNumbers) as { states: SpecifiedState[] };
    const difference = await replay(states);
    if (difference !== undefined)
      return { difference: `trace ${name}: ${difference}`, traces: found.length, steps, transitions: reached.size };
    for (const { life, fact, accepted } of states)
      if (accepted) reached.add(`${fact.kind} ${life.state} ${life.waits} ${life.group} ${life.delivery}`);
    steps += states.length - 1;
  }
  return { difference: undefined, traces: found.length, steps, transitions: reached.size };
}

async function inFolder<Value>(run: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-specify-'));
  return await run(folder).finally(() => rm(folder, { recursive: true }));
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<boolean> {
  const startedAt = performance.now();
  const { difference, traces, steps, transitions } = await inFolder((folder) => specify(specification, folder, values.traces));
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  print(
    `specified ${traces} traces with ${steps} steps and ${transitions} kinds of transitions from seed ${values.seed} on in ${seconds} s`,
  );
  print(difference ?? 'every rule holds, and the machine and the stream writer agree in every step');
  return difference === undefined;
}

const TRACES_OF_MUTATION = '400';

async function findMutations(): Promise<boolean> {
  const text = await readFile(specification, 'utf8');
  let missed = 0;
  for (const { name, from, to } of mutations) {
    if (text.split(from).length !== 2) throw new Error(`"${from}" does not stand once in life.qnt: adapt the mutation`);
    const { difference } = await inFolder(async (folder) => {
      const file = join(folder, 'life.qnt');
      await writeFile(
        file,
        text.replace(from, () => to),
      );
      return await specify(file, folder, TRACES_OF_MUTATION);
    });
    if (difference === undefined) missed++;
    print(`${difference === undefined ? 'MISSED' : 'found '}  ${name}`);
  }
  print(missed === 0 ? `all ${mutations.length} mutations were found` : `${missed} mutations were not found`);
  return missed === 0;
}

process.exitCode = (await (values.mutations ? findMutations() : main())) ? 0 : 1;
