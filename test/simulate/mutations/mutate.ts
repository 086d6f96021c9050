import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chosenInTurn } from '#test/support/seeded-random.ts';
import { mutatedFiles } from './mutated-files.ts';
import { type Mutation, mutations } from './mutations.ts';
import { notJudged, seenFromOutside, type World } from './outside.ts';

/*
 * npm run simulate:mutations [name…]: breaks the protocol in a copy of the sources, in one way at a time, and expects that the simulation
 * finds each breakage. Ends with 1 when one is not found, or no longer applies.
 *
 * `--outside`: the judge of `src/judge/` alone decides. It must find the breakages that a client can see, and no other one (`outside.ts`). It
 * must find nothing in the same worlds without a breakage. A change of the product moves the events of a world, so the judge reads the worlds
 * from that of the table on, until one shows the breakage.
 *
 * `--turn N`: four mutations, which the number chooses. Numbers that follow one another come to all mutations.
 */

/** A mutation without a seed is searched for in so many invocations, and one with a seed in the worlds from that seed on. */
const SEARCHED = 10_000;
const FROM_ITS_SEED = 600;
/** About 14 worlds, from that of `outside.ts` on. */
const FROM_OUTSIDE = 3_000;
const AT_ONCE = 2;
/** The name of the product as it is, in the table. */
const UNBROKEN = 'nothing';
const checkout = new URL('../../..', import.meta.url).pathname;
const copied = ['machines', 'src', 'test/simulate', 'test/specification', 'test/support', 'package.json', 'tsconfig.json'];
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const printRow = (...[verdict, name, seed, invocations, seconds, what]: readonly string[]): void =>
  print(`${verdict?.padEnd(8)}${name?.padEnd(44)}${seed?.padStart(6)}${invocations?.padStart(12)}${seconds?.padStart(9)}  ${what}`);

const {
  values: { outside: isFromOutside, turn, help },
  positionals: wanted,
} = parseArgs({
  allowPositionals: true,
  options: { outside: { type: 'boolean', default: false }, turn: { type: 'string' }, help: { type: 'boolean', default: false } },
});
if (help) {
  print(
    `npm run simulate:mutations -- [--outside] [--turn N] [name…]\n\nThe mutations:\n${mutations.map(({ name }) => `  ${name}`).join('\n')}`,
  );
  process.exit(0);
}
const meant = mutations
  .filter(({ name }) => !isFromOutside || !Object.hasOwn(notJudged, name))
  .filter(({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)));
const waiting: Mutation[] = chosenInTurn(meant, turn);
const count = waiting.length;
/** The worlds that are judged without a breakage, too. */
const worlds = new Set(isFromOutside ? waiting.map(({ name }) => seenFromOutside(name).world) : []);
waiting.push(...Array.from(worlds, unbroken));
let missed = 0;
printRow('verdict', 'mutation', 'seed', 'invocations', 'seconds', 'the first rule that it breaks');
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) if (!(await isFound(next))) missed++;
  }),
);
if (isFromOutside) print(missed === 0 ? `the judge sees what a client sees of ${count} mutations` : `the judge was wrong ${missed} times`);
else print(missed === 0 ? `all ${count} mutations were found` : `${missed} mutations were not found`);
process.exitCode = missed === 0 ? 0 : 1;

async function isFound(mutation: Mutation): Promise<boolean> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'sequent-mutation-'));
  try {
    await Promise.all(copied.map((path) => cp(join(checkout, path), join(folder, path), { recursive: true })));
    await symlink(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    for (const [file, text] of mutatedFiles(mutation, folder)) await writeFile(join(folder, file), text);
    const output = await simulate(folder, mutation);
    // A simulation that ends otherwise, for example with an exception, has found nothing.
    const problem = output.find((line) => line.startsWith('  '));
    const last = output.at(-1) ?? '';
    const invocations = /^(?:simulated )?([\d,]+) invocations/.exec(last)?.[1] ?? '?';
    const seed = /: world (\d+) fails/.exec(last)?.[1] ?? '';
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const isFound = problem !== undefined;
    if (!isFound && !last.startsWith('simulated ')) throw new Error(`the simulation ended otherwise: ${last}`);
    const isExpected = isFound === isMeantToBeFound(mutation);
    addUnbroken(Number(seed));
    const verdict = isFound ? (isExpected ? 'found' : 'SEEN') : isExpected ? 'unseen' : 'MISSED';
    printRow(verdict, mutation.name, seed, invocations, seconds, problem?.trim() ?? mutation.breaks);
    return isExpected;
  } catch (error) {
    printRow('MISSED', mutation.name, '', '', '', String(error));
    return false;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The product as it is, in one world. */
function unbroken(world: World): Mutation {
  return {
    name: UNBROKEN,
    breaks: `world ${world} of the product as it is`,
    edits: [],
    ...(typeof world === 'number' ? { seed: world } : { large: world }),
  };
}

/** A world that shows a breakage must show none in the product as it is. */
function addUnbroken(world: number): void {
  if (!isFromOutside || !(world > 0) || worlds.has(world)) return;
  worlds.add(world);
  waiting.push(unbroken(world));
}

function isMeantToBeFound({ name }: Mutation): boolean {
  return !isFromOutside || (name !== UNBROKEN && seenFromOutside(name).unseen === undefined);
}

/** The worlds from that on in which the judge sees the mutation, or one world in which the judge must see nothing. */
function worldsFromOutside(mutation: Mutation): string[] {
  const { name, seed, large } = mutation;
  const world = name === UNBROKEN ? (large ?? seed) : seenFromOutside(name).world;
  if (typeof world !== 'number') return ['--invocations', '1', '--only', String(world)];
  return ['--invocations', String(isMeantToBeFound(mutation) ? FROM_OUTSIDE : 1), '--no-large', '--seed', String(world)];
}

function simulate(folder: string, mutation: Mutation): Promise<string[]> {
  const options = [
    '--max-semi-space-size=32',
    '--single-threaded-gc',
    '--import',
    'tsx',
    'test/simulate/run.ts',
    '--quiet',
    '--no-shrink',
    ...(isFromOutside ? ['--outside', ...worldsFromOutside(mutation)] : worldsOf(mutation)),
  ];
  const child = spawn(process.execPath, options, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(Buffer.concat(chunks).toString().trimEnd().split('\n')));
  });
}

function worldsOf({
  needsPowerCuts = false,
  needsSchedules = false,
  needsBatches = false,
  worlds: given = [8, 1],
  seed,
  large,
}: Mutation): string[] {
  const [first, step] = needsPowerCuts ? [11, 8] : needsSchedules ? [2, 8] : needsBatches ? [4, 8] : given;
  const [from, count] = seed === undefined ? [first, SEARCHED] : [seed, FROM_ITS_SEED];
  const searched = { seed: from, step, invocations: count };
  const options = Object.entries(searched).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return [...options, ...(large === undefined ? ['--no-large'] : ['--only', large])];
}
