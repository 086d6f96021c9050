import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bounds, breakages, explorations, type Model } from './spin-models.ts';

/*
 * npm run specify:spin [-- --all] [model…]: explores the Promela models exhaustively, and prints the number of states. Then breaks one rule of a
 * model at a time, and expects that the checker finds each breakage. Ends with 1 when a model has a defect, or a breakage is not found.
 * `--all`: also the larger bounds. With names, these models alone.
 */

type Verdict = { states: number; problem: string | undefined; isWhole: boolean; seconds: number };

/** The deepest path, and 2 to the power of this many entries of the table of states. A breakage is found after few states. */
const LIMITS = ['-m3000000', '-w24'];
const LIMITS_OF_BREAKAGE = ['-m3000000', '-w18'];
const folderOfModels = new URL('models', import.meta.url).pathname;

async function explore(model: Model, bounds: Bounds, flags: readonly string[] = []): Promise<Verdict> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'sequent-spin-'));
  try {
    const defined = [...Object.entries(bounds).map(([name, value]) => `-D${name}=${value}`), ...flags.map((flag) => `-D${flag}`)];
    execFileSync('spin', ['-a', ...defined, join(folderOfModels, `${model}.pml`)], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    // A breakage is found after few states: compiling takes longer than exploring.
    const optimized = flags.length === 0 ? '-O2' : '-O0';
    execFileSync('gcc', ['-w', optimized, '-DSAFETY', '-DCOLLAPSE', '-DVECTORSZ=2048', '-o', 'pan', 'pan.c'], { cwd: folder });
    const output = await run(join(folder, 'pan'), flags.length === 0 ? LIMITS : LIMITS_OF_BREAKAGE, folder);
    return {
      states: Number(/([\d.e+]+) states, stored/.exec(output)?.[1] ?? Number.NaN),
      problem: /pan:\d+: (.*)/.exec(output)?.[1],
      isWhole: !/not completed|max search depth too small|out of memory/.test(output),
      seconds: (performance.now() - startedAt) / 1_000,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}

const print = (...columns: readonly string[]): void => void process.stdout.write(`${columns.join('  ')}\n`);
const inWords = (bounds: Bounds): string =>
  Object.entries(bounds)
    .map(([name, value]) => `${name.toLowerCase()} ${value}`)
    .join(', ');

const isLong = process.argv.includes('--all');
const names = process.argv.slice(2).filter((text) => text !== '--all');
const isWanted = ({ model }: { model: Model }): boolean => names.length === 0 || names.includes(model);
const wanted = breakages.filter(isWanted);
const startedAt = performance.now();
let failures = 0;
let explored = 0;
for (const exploration of explorations.filter((one) => isWanted(one) && (isLong || one.isLong !== true))) {
  const { states, problem, isWhole, seconds } = await explore(exploration.model, exploration.bounds);
  const isSound = problem === undefined && isWhole;
  if (!isSound) failures++;
  explored += states;
  const verdict = isSound ? 'every state is sound' : (problem ?? 'not exhaustive');
  print(
    exploration.model.padEnd(7),
    inWords(exploration.bounds).padEnd(50),
    `${states.toLocaleString('en-US').padStart(12)} states`,
    `${seconds.toFixed(1)} s`,
    verdict,
  );
}
for (const { model, flag, bounds, what } of wanted) {
  const { problem, seconds } = await explore(model, bounds, [flag]);
  if (problem === undefined) failures++;
  print(problem === undefined ? 'MISSED' : 'found ', what.padEnd(62), `${seconds.toFixed(1)} s`, problem ?? '');
}
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
print(`${explored.toLocaleString('en-US')} states and ${wanted.length} breakages in ${minutes} minutes`);
print(failures === 0 ? 'the specification is sound, and every breakage was found' : `${failures} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;
