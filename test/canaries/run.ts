import { parseArgs } from 'node:util';
import { simulateCanary } from '#test/support/canaries/simulated-canary.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';

const HELP = `npm run canaries -- [options]

Simulates automatic canaries with the decision of the gateway, and prints the tables of docs/functions.md: how often a canary with twice the
failures is promoted, and how many ended invocations of a canary promote 80 % of the equal ones.

  --runs N   simulated canaries of each row (2000 by default)
  --seed N   the seed of the first row
  --margin N the margin in percentage points (1 by default)
  --help
`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    margin: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const weights = [10, 20, 50];
const [runs, seed, margin] = [Number(values.runs), Number(values.seed), Number(values.margin)];
const auto = { promoteAfter: 500, margin };
/** More than an equal canary of any row needs. */
const UP_TO = 400_000;
const LIMIT_OF_WORSE = 100_000;

async function worseRow(of: number, to: number): Promise<void> {
  for (const weight of weights) {
    const random = createSeededRandom(seed);
    const found = { promoted: 0, 'rolled-back': 0, undecided: 0 };
    for (let run = 0; run < runs; run++) {
      const planted = { weight, failsOfMain: of / 100, failsOfCanary: to / 100 };
      const { decision = 'undecided' } = await simulateCanary({ ...planted, auto, random, upTo: LIMIT_OF_WORSE });
      found[decision]++;
    }
    const inPercent = Object.entries(found).map(([decision, count]) => `${decision} ${((100 * count) / runs).toFixed(2)} %`);
    print(`${of} % → ${to} %, weight ${weight}: ${inPercent.join(', ')}`);
  }
}

async function equalRow(rate: number): Promise<void> {
  const cells: string[] = [];
  for (const weight of weights) {
    const random = createSeededRandom(seed);
    const ended: number[] = [];
    for (let run = 0; run < runs; run++) {
      const planted = { weight, failsOfMain: rate / 100, failsOfCanary: rate / 100 };
      const simulated = await simulateCanary({ ...planted, auto, random, upTo: UP_TO });
      ended.push(simulated.decision === 'promoted' ? simulated.ended : Number.POSITIVE_INFINITY);
    }
    const most = ended.sort((one, other) => one - other)[Math.ceil(0.8 * runs) - 1] ?? Number.POSITIVE_INFINITY;
    cells.push(String(most));
  }
  print(`| ${rate} % | ${cells.join(' | ')} |`);
}

if (values.help) {
  print(HELP);
} else {
  print(`${runs} simulated canaries each, seed ${seed}, margin ${margin}`);
  for (const of of [1, 2, 5, 10]) await worseRow(of, 2 * of);
  print('\n| failures | weight 10 | weight 20 | weight 50 |');
  for (const rate of [0.1, 0.5, 1, 2, 5, 10]) await equalRow(rate);
}
