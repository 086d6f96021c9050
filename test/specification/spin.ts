import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * npm run specify:spin [--all]: explores the Promela models exhaustively, and prints the number of states. Then breaks one rule of a model at
 * a time, and expects that the checker finds each breakage. Ends with 1 when a model has a defect, or a breakage is not found.
 */

type Bounds = Readonly<Record<string, number>>;
type Model = 'core' | 'groups';
type Exploration = { model: Model; bounds: Bounds; isLong?: boolean };
/** `twin`: the mutation of the code (`test/simulate/mutations/mutations.ts`) that breaks the same rule. */
type Breakage = { model: Model; flag: string; bounds: Bounds; twin: string };

const explorations: readonly Exploration[] = [
  { model: 'core', bounds: { INVOCATIONS: 1, CRASHES: 3, CUTS: 0, PAUSES: 1 } },
  { model: 'core', bounds: { INVOCATIONS: 2, CRASHES: 1, CUTS: 0, PAUSES: 0 } },
  { model: 'core', bounds: { INVOCATIONS: 1, CRASHES: 1, CUTS: 1, PAUSES: 0 } },
  { model: 'groups', bounds: { REQUESTS: 3, CRASHES: 1 } },
  { model: 'core', bounds: { INVOCATIONS: 1, CRASHES: 1, CUTS: 1, PAUSES: 1 }, isLong: true },
  { model: 'core', bounds: { INVOCATIONS: 1, CRASHES: 2, CUTS: 1, PAUSES: 0 }, isLong: true },
  { model: 'groups', bounds: { REQUESTS: 3, CRASHES: 3 }, isLong: true },
];

const calm = { INVOCATIONS: 1, CRASHES: 0, CUTS: 0, PAUSES: 0 };
const crash = { ...calm, CRASHES: 1 };
const breakages: readonly Breakage[] = [
  { model: 'core', flag: 'M_FENCE_REMOVED', bounds: { ...calm, PAUSES: 1 }, twin: 'fence removed' },
  { model: 'core', flag: 'M_FENCE_OF_MACHINE', bounds: { ...calm, PAUSES: 1 }, twin: 'fence of the machine removed' },
  { model: 'core', flag: 'M_EFFECT_BEFORE_APPEND', bounds: calm, twin: 'append after effect' },
  { model: 'core', flag: 'M_ACKNOWLEDGED_TOO_EARLY', bounds: crash, twin: 'acknowledgement before durability' },
  { model: 'core', flag: 'M_STALE_VERSION_ACCEPTED', bounds: calm, twin: 'stale version accepted' },
  { model: 'core', flag: 'M_CONFLICT_NOT_JUDGED_AGAIN', bounds: calm, twin: 'conflict not judged again' },
  { model: 'core', flag: 'M_NOTIFIED_TWICE', bounds: calm, twin: 'notified twice' },
  { model: 'core', flag: 'M_OUTCOME_OVERWRITTEN', bounds: { ...calm, PAUSES: 1 }, twin: 'outcome overwritten' },
  { model: 'core', flag: 'M_WORKER_NOT_ASKED', bounds: calm, twin: 'running worker not asked' },
  { model: 'core', flag: 'M_REDELIVERY_EXECUTES', bounds: calm, twin: 'redelivery executes again' },
  { model: 'core', flag: 'M_RETRY_NOT_COUNTED', bounds: calm, twin: 'retry not counted' },
  { model: 'core', flag: 'M_LOST_NOT_COUNTED', bounds: { ...crash, CRASHES: 5 }, twin: 'lost attempt not counted' },
  { model: 'core', flag: 'M_WAKE_DROPPED', bounds: calm, twin: 'wake time dropped' },
  { model: 'core', flag: 'M_RESULT_FORGOTTEN', bounds: crash, twin: 'result forgotten' },
  { model: 'core', flag: 'M_LINK_NOT_COMPARED', bounds: { ...calm, CUTS: 1 }, twin: 'link not compared' },
  { model: 'groups', flag: 'M_WAIT_FOR_CLOSED_GROUP', bounds: { CRASHES: 0 }, twin: 'wait for a closed group recorded' },
  { model: 'groups', flag: 'M_STARTED_WITHOUT_GROUP', bounds: { CRASHES: 0 }, twin: 'debounced request started without a group' },
  { model: 'groups', flag: 'M_JOINS_TWICE', bounds: { CRASHES: 0 }, twin: 'a member joins a second group' },
  { model: 'groups', flag: 'M_EVENT_OF_MEMBER_LOST', bounds: { CRASHES: 0 }, twin: 'event of a member lost' },
  { model: 'groups', flag: 'M_MEMBER_ENDS_EARLY', bounds: { CRASHES: 0 }, twin: 'member ended before its leader' },
];

type Verdict = { states: number; problem: string | undefined; isWhole: boolean; seconds: number };

/** The deepest path, and 2 to the power of this many entries of the table of states. */
const LIMITS = ['-m3000000', '-w24'];
const folderOfModels = new URL('.', import.meta.url).pathname;

async function explore(model: Model, bounds: Bounds, flags: readonly string[] = []): Promise<Verdict> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'sequent-spin-'));
  try {
    const defined = [...Object.entries(bounds).map(([name, value]) => `-D${name}=${value}`), ...flags.map((flag) => `-D${flag}`)];
    execFileSync('spin', ['-a', ...defined, join(folderOfModels, `${model}.pml`)], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    // A breakage is found after few states: compiling takes longer than exploring.
    const optimized = flags.length === 0 ? '-O2' : '-O0';
    execFileSync('gcc', ['-w', optimized, '-DSAFETY', '-DCOLLAPSE', '-DVECTORSZ=2048', '-o', 'pan', 'pan.c'], { cwd: folder });
    const output = await run(join(folder, 'pan'), LIMITS, folder);
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
let failures = 0;
for (const exploration of explorations.filter((one) => isLong || one.isLong !== true)) {
  const { states, problem, isWhole, seconds } = await explore(exploration.model, exploration.bounds);
  const isSound = problem === undefined && isWhole;
  if (!isSound) failures++;
  const verdict = isSound ? 'every state is sound' : (problem ?? 'not exhaustive');
  print(
    exploration.model.padEnd(7),
    inWords(exploration.bounds).padEnd(50),
    `${states.toLocaleString('en-US').padStart(12)} states`,
    `${seconds.toFixed(1)} s`,
    verdict,
  );
}
for (const { model, flag, bounds, twin } of breakages) {
  const { problem, seconds } = await explore(model, bounds, [flag]);
  if (problem === undefined) failures++;
  print(problem === undefined ? 'MISSED' : 'found ', twin.padEnd(45), `${seconds.toFixed(1)} s`, problem ?? '');
}
print(failures === 0 ? 'the specification is sound, and every breakage was found' : `${failures} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;
