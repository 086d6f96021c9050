import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { type Campaign, runCampaign } from './campaign.ts';
import { type FaultKind, faultKinds, largePlansFor, type Plan } from './plan.ts';
import { ruleOf, shrink } from './shrink.ts';
import { runWorld } from './world.ts';

const help = `Simulates Sequent: its real roles in one process, under virtual time, with faults from a seed.

npm run simulate -- [options]

  --seed N          the seed of the first world; the others follow (1)
  --step N          from the seed of one world to that of the next (1)
  --invocations N   how many invocations to simulate in all (80000)
  --size N          the requests of one world (100)
  --only WORLD      only one large world: "keys" or "ranks" (crowds), or "turns-calm", "turns-failing", "turns-crashing" or "turns-unscheduled"
  --no-large        without the worlds of 20,000 keys and of 20,000 equal ranks
  --outside         judges each world by the judge of src/judge alone, from the raw messages, the results and the executions
  --faults A,B      only these kinds of faults; "none" for no fault
  --plan JSON       runs the one world of a plan, as a failure prints it
  --timeline        prints all events of that world
  --no-shrink       does not look for a smaller plan that fails
  --quiet           prints the last line only

The kinds of faults:
${Object.entries(faultKinds)
  .map(([kind, meaning]) => `  ${kind.padEnd(15)} ${meaning}`)
  .join('\n')}

Ends with 1 when a world breaks a rule of src/DESIGN.md.
`;

const MAX_RUNS_OF_SHRINK = 400;
const MAX_LINES = 200;
const PROGRESS_EVERY_MS = 5_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    invocations: { type: 'string', default: '80000' },
    size: { type: 'string', default: '100' },
    only: { type: 'string' },
    'no-large': { type: 'boolean', default: false },
    outside: { type: 'boolean', default: false },
    faults: { type: 'string' },
    plan: { type: 'string' },
    timeline: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const print = (text: string): void => void process.stdout.write(`${text}\n`);
// An unhandled rejection ends a real process.
process.on('unhandledRejection', (reason) => {
  print(`an unhandled rejection: ${reason instanceof Error ? reason.stack : String(reason)}`);
  process.exit(1);
});

if (values.help) print(help);
else if (values.plan !== undefined) process.exitCode = await replay(JSON.parse(values.plan) as Plan, values.timeline);
else process.exitCode = await simulate();

async function simulate(): Promise<number> {
  setPriority(10);
  const kinds = values.faults === undefined ? undefined : parseKinds(values.faults);
  const startedAt = process.cpuUsage();
  const invocations = values.only === undefined ? Number(values.invocations) : 1;
  let printedAt = performance.now();
  const campaign = await runCampaign({
    seed: Number(values.seed),
    step: Number(values.step),
    invocations,
    size: Number(values.size),
    first: values['no-large'] || kinds !== undefined ? [] : largePlans(),
    kinds,
    isJudgedFromOutside: values.outside,
    onWorld(totals) {
      if (values.quiet || performance.now() - printedAt < PROGRESS_EVERY_MS) return;
      printedAt = performance.now();
      print(
        `${inWords(totals.invocations)} of ${inWords(invocations)} invocations, ${inWords(totals.worlds)} worlds, ${inWords(totals.faults)} faults, ${inWords(process.memoryUsage.rss() / 1_000_000)} MB of memory`,
      );
    },
  });
  const { failure } = campaign;
  if (failure !== undefined) await explain(failure.plan, failure.result.problems);
  print(summaryOf(campaign, process.cpuUsage(startedAt).user / 1_000));
  return failure === undefined ? 0 : 1;
}

/** The two crowds, or the one world that is named: `simulate.test.ts` has the turns, which are as many invocations as the crowds. */
function largePlans(): Plan[] {
  const plans = [...largePlansFor(Number(values.seed))].filter(([name]) =>
    values.only === undefined ? !name.startsWith('turns-') : name === values.only,
  );
  if (plans.length === 0) throw new Error(`there is no large world "${values.only}"; see --help`);
  return plans.map(([, plan]) => plan);
}

async function explain(plan: Plan, problems: readonly string[]): Promise<void> {
  print(`world ${plan.seed} fails:\n${listed(problems)}`);
  const rule = ruleOf(problems);
  if (values['no-shrink'] || rule === undefined) return print(`replay: npm run simulate -- --plan '${JSON.stringify(plan)}'`);
  const { plan: smaller, runs } = await shrink(plan, rule, { maxRuns: MAX_RUNS_OF_SHRINK });
  print(`after ${runs} further worlds, the smallest plan that breaks ${rule} is:`);
  await replay(smaller, false);
}

/** Runs one world, and prints what happened to the invocation of its first problem. */
async function replay(plan: Plan, isWhole: boolean): Promise<number> {
  const { lines, problems, faults, hash, invocations, mostLooks } = await runWorld(plan, { keepsLines: true });
  const ids = problems.flatMap((problem) => problem.match(/[0-9a-f]{8}-[0-9a-f-]{23}|own-\d+/g) ?? []);
  // A batch shares its stream, which is the id without its last digits.
  const stream = ids[0]?.slice(0, 32);
  const shown = isWhole
    ? lines
    : lines.filter((line) => stream === undefined || line.includes(stream) || line.includes('  fault ')).slice(-MAX_LINES);
  print(shown.join('\n'));
  print(
    `${invocations} invocations, ${faults.length} faults, at most ${mostLooks} looks at waiting requests in a step, trace ${hash}\n${listed(problems)}`,
  );
  print(`replay: npm run simulate -- --plan '${JSON.stringify(plan)}'`);
  return problems.length === 0 ? 0 : 1;
}

function summaryOf({ worlds, invocations, faults, events, virtualMs, hash, failure }: Campaign, cpuMs: number): string {
  const rate = inWords((invocations * 1_000) / cpuMs);
  const verdict = failure === undefined ? 'no problem' : `world ${failure.plan.seed} fails`;
  const hours = inWords(virtualMs / 3_600_000);
  return `simulated ${inWords(invocations)} invocations in ${inWords(worlds)} worlds from seed ${values.seed} on with ${inWords(faults)} faults, ${inWords(events)} events and ${hours} h of virtual time: ${verdict}; ${rate} invocations/s of one core; trace ${hash}`;
}

function parseKinds(text: string): FaultKind[] {
  if (text === 'none') return [];
  return text.split(',').map((kind) => {
    if (!(kind in faultKinds)) throw new Error(`there is no kind of fault "${kind}"; see --help`);
    return kind as FaultKind;
  });
}

function listed(problems: readonly string[]): string {
  return problems.length === 0 ? '  no problem' : problems.map((problem) => `  ${problem}`).join('\n');
}

function inWords(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}
