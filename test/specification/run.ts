import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readStreams } from '#test/judge/read-server.ts';
import { readEvidence } from '#test/judge/recorded.ts';
import { chosenInTurn } from '#test/support/seeded-random.ts';
import { breakages } from './breakages.ts';
import { type Specification, specifications } from './specifications.ts';
import { TRANSLATED, translateSpecification } from './translate.ts';
import { validate } from './validate.ts';

/*
 * npm run specify: simulates the specifications in Quint, checks their invariants in every step, and replays every trace on the code. Ends with
 * 1 when a rule is broken, or when the code and a specification disagree. `--traces`: those of the life of an invocation; the other
 * specifications have a share of them. With `--mutations` it breaks the specifications in one way at a time, and expects that each breakage is
 * found; with texts, those whose names contain one; with `--turn N`, the four that the number chooses. `--write` translates the life again. With `--server URL`, or files of recorded evidence, it reads these logs instead, and says where
 * one leaves the specification.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    traces: { type: 'string', default: '8500' },
    seed: { type: 'string', default: '1' },
    mutations: { type: 'boolean', default: false },
    turn: { type: 'string' },
    write: { type: 'boolean', default: false },
    server: { type: 'string' },
  },
});
const quint = new URL('../../node_modules/@informalsystems/quint/dist/src/cli.js', import.meta.url).pathname;
const folderOfSpecifications = new URL('.', import.meta.url).pathname;
const translated = new URL(TRANSLATED, import.meta.url).pathname;

/** Reads a state of the Informal Trace Format: numbers, maps and sets are objects there. */
function readValue(_key: string, value: unknown): unknown {
  const coded = value as { '#bigint'?: string; '#map'?: [string, unknown][]; '#set'?: unknown[] } | null;
  if (coded?.['#bigint'] !== undefined) return Number(coded['#bigint']);
  return coded?.['#map'] === undefined ? (coded?.['#set'] ?? value) : Object.fromEntries(coded['#map']);
}

/** Writes traces into a folder. Throws when a trace breaks a rule. */
function simulate(file: string, folder: string, { traces, steps }: { traces: number; steps: number }): void {
  const simulated = ['--max-samples', traces, '--n-traces', traces, '--max-steps', steps, '--seed', values.seed].map(String);
  // The TypeScript back end needs no download.
  const options = ['--backend', 'typescript', '--mbt', '--invariant', 'rules', '--out-itf', join(folder, '{seq}.json'), ...simulated];
  execFileSync(process.execPath, [quint, 'run', ...options, file], { stdio: 'pipe' });
}

type Verdict = { difference: string | undefined; traces: number; steps: number };

async function specify({ steps: longest, replay }: Specification, file: string, traces: number): Promise<Verdict> {
  return await inFolder(async (folder) => {
    try {
      simulate(file, folder, { traces, steps: longest });
    } catch (error) {
      const output = (error as { stdout?: Buffer }).stdout?.toString().trim().split('\n').at(-1);
      return { difference: output ?? String(error), traces: 0, steps: 0 };
    }
    let steps = 0;
    const found = (await readdir(folder)).filter((name) => name.endsWith('.json'));
    for (const name of found) {
      const { states } = JSON.parse(await readFile(join(folder, name), 'utf8'), readValue) as { states: never[] };
      const difference = await replay(states);
      if (difference !== undefined) return { difference: `trace ${name}: ${difference}`, traces: found.length, steps };
      steps += states.length - 1;
    }
    return { difference: undefined, traces: found.length, steps };
  });
}

async function inFolder<Value>(run: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-specify-'));
  return await run(folder).finally(() => rm(folder, { recursive: true }));
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<boolean> {
  if ((await readFile(translated, 'utf8')) !== (await translateSpecification()))
    throw new Error(`${TRANSLATED} is not the translation of life.qnt: npm run specify -- --write`);
  let isSound = true;
  for (const one of specifications) {
    const startedAt = performance.now();
    const count = Math.ceil(Number(values.traces) * one.share);
    const { difference, traces, steps } = await specify(one, join(folderOfSpecifications, one.file), count);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    isSound &&= difference === undefined;
    const verdict = difference ?? `every rule holds, and so does the code: ${one.code}`;
    print(`${one.name.padEnd(8)} ${traces} traces with ${steps} steps from seed ${values.seed} on in ${seconds} s: ${verdict}`);
  }
  return isSound;
}

/** Traces of a mutation: of the life, and the least of another specification. */
const TRACES_OF_MUTATION = 400;
const FEWEST_TRACES = 300;

async function findMutations(): Promise<boolean> {
  let missed = 0;
  const named = breakages.filter(
    ({ name, of = 'life' }) => positionals.length === 0 || positionals.some((text) => `${of} ${name}`.includes(text)),
  );
  const wanted = chosenInTurn(named, values.turn);
  for (const { name, of = 'life', from, to } of wanted) {
    const specification = specifications.find((one) => one.name === of) as Specification;
    const text = await readFile(join(folderOfSpecifications, specification.file), 'utf8');
    if (text.split(from).length !== 2) throw new Error(`"${from}" does not stand once in ${specification.file}: adapt the mutation`);
    const { difference } = await inFolder(async (folder) => {
      const file = join(folder, `${of}.qnt`);
      await writeFile(
        file,
        text.replace(from, () => to),
      );
      return await specify(specification, file, Math.max(FEWEST_TRACES, TRACES_OF_MUTATION * specification.share));
    });
    if (difference === undefined) missed++;
    print(`${difference === undefined ? 'MISSED' : 'found '}  ${of.padEnd(8)} ${name}`);
  }
  print(missed === 0 ? `all ${wanted.length} mutations were found` : `${missed} mutations were not found`);
  return missed === 0;
}

/** Whether each log is a trace of the specification. */
async function readLogs(): Promise<boolean> {
  const logs = positionals.map((file) => ({ name: file, log: readEvidence(file).log }));
  if (values.server !== undefined) logs.push({ name: values.server, log: (await readStreams(values.server)).log });
  const problems = logs.map(({ name, log }) => {
    const found = validate(log);
    for (const problem of found) print(`  ${problem}`);
    print(`${name}: ${log.length} messages, ${found.length} problems`);
    return found.length;
  });
  return problems.every((count) => count === 0);
}

if (values.write) await writeFile(translated, await translateSpecification());
else {
  const run = values.mutations ? findMutations : values.server !== undefined || positionals.length > 0 ? readLogs : main;
  process.exitCode = (await run()) ? 0 : 1;
}
