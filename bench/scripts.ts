import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** A benchmark as `npm run <script>` starts it. */
export type Script = {
  script: string;
  /** What it measures. */
  summary: string;
  /** The arguments, with their defaults. */
  positionals?: Readonly<Record<string, string>>;
  /** The options, each with its meaning; `<n>` in the key is a value. */
  options?: Readonly<Record<string, string>>;
};

/** The benchmarks by their files in this folder. `run` and `storm` have a help of their own. */
export const scripts: Readonly<Record<string, Script>> = {
  lean: {
    script: 'bench:lean',
    summary: 'Measures the throughput and the latency of worker, scheduler and destinations in one process, and their ratios.',
    options: { '--quick': 'a minute instead of ten', '--chains': 'only the ratio of chains to single publishes' },
  },
  http: {
    script: 'bench:http',
    summary: 'Measures how many events a second one gateway accepts over HTTP, in relation to a bare handler, and a batch to the client.',
    options: { '--quick': 'fewer and shorter rounds' },
  },
  commands: {
    script: 'bench:commands',
    summary: 'Compares the start of commands of the package, of a clone with a build (npm run build), and of the sources.',
  },
  drain: {
    script: 'bench:drain',
    summary: 'Measures bursts with and without retries, a backlog, and a burst under kills, with all roles of npm start.',
    options: {
      '--burst <n>': 'the invocations of a burst (20000)',
      '--queued <n>': 'the invocations of the backlog; 0 for none (500000)',
      '--rounds <n>': 'the bursts (3)',
      '--kills <n>': 'the kills during the last burst; 0 for none (3)',
      '--singles': 'single requests instead of batches',
    },
  },
  flow: {
    script: 'bench:flow',
    summary:
      'Measures the limits of a flow over four workers, each of many keys with and without an order, and what an event costs while a million requests wait.',
    options: {
      '--waiting <n>': 'the requests that wait in memory, ten for each key; 0 for none (1000000)',
      '--ordered <n>': 'the keys in order, with ten invocations each; 0 for none (10000)',
      '--invocations <n>': 'the invocations of the function with one limit; 0 for none (1200)',
      '--keys <n>': 'the keys, and the invocations of each round; 0 for none (10000)',
      '--busy <n>': 'the backlog of the busy key; 0 for none (50000)',
      '--rated <n>': 'the backlog of the function with a rate; 0 for none (3000)',
    },
  },
  'flow-cost': {
    script: 'bench:flow-cost',
    summary: 'Measures the share of the flow control in the processor time of functions without a flow. Ends with 1 when it is over 2 %.',
  },
  functions: {
    script: 'bench:functions',
    summary:
      'Measures what functions, pools and schedules without work cost each role, the list of functions, and the first request of an idle one.',
    options: {
      '--functions <n>': 'the functions (100000)',
      '--active <n>': 'the functions that get a first request (200)',
      '--pools <n>': 'the functions that have a pool of their own (10000)',
      '--schedules <n>': 'the schedules (5000)',
    },
  },
  cluster: {
    script: 'bench:cluster',
    summary:
      'Measures a stream with three replicas by sync_interval, and what it loses when the power, the space or the speed of disks is taken away.',
    options: { '--seconds <n>': 'how long the load of a case lasts (5)', '--only <n>': 'one mode: always, 100ms or default' },
  },
  'work-consumers': {
    script: 'bench:work-consumers',
    summary: 'Compares consumers with the replicas of their stream with consumers of one replica in memory, on three servers.',
    options: {
      '--consumers <n>': 'the consumers (200)',
      '--messages <n>': 'the messages that they deliver (20000)',
      '--only <n>': 'the kind whose name contains this text',
    },
  },
  scale: {
    script: 'bench:scale',
    summary: 'Computes from the output of npm run bench what binds first: on one server, with three replicas, and at ten times that.',
    positionals: { file: '' },
    options: {
      '--replicated <n>': 'the processor time of the leading server with three replicas, relative to a single server (3)',
      '--bytes <n>': 'the bytes of an invocation in the log (1600)',
    },
  },
  runtimes: {
    script: 'bench:runtimes',
    summary:
      'Measures functions in Node.js, Python and Go in turns: executions that do nothing, the first call of an idle function, and a bare server of the API of custom runtimes.',
    options: {
      '--invocations <n>': 'the invocations of each round (5000)',
      '--rounds <n>': 'the rounds of each language (5)',
      '--firsts <n>': 'the first calls of each language (10)',
    },
  },
  turnover: {
    script: 'bench:turnover',
    summary: 'Measures how long a freed slot of a flow is unused, with all roles of npm start and three workers.',
    options: {
      '--invocations <n>': 'the invocations of each round (600)',
      '--rounds <n>': 'the rounds (3)',
    },
  },
  projection: {
    script: 'bench:projection',
    summary: 'Measures how fast a projection rebuilds its read model, and what it costs beside a worker.',
    positionals: { invocations: '1000000', 'rebuild|beside': 'both' },
  },
  'projection-cost': {
    script: 'bench:projection-cost',
    summary:
      'Measures the processor time that the projection takes for a batched and for a single invocation, and compares it with that of an earlier tree.',
    options: {
      '--base <n>': 'a name of Git for the earlier tree (HEAD)',
      '--rounds <n>': 'the replays of each tree (5)',
      '--seconds <n>': 'how long the load lasts that writes a log (10)',
    },
  },
  incidents: {
    script: 'bench:incidents',
    summary: 'Plants 40 incidents on real servers, and counts those whose cause and remedy doctor and explain print. Ends with 1 below 38.',
    positionals: { 'a part of the titles': 'all' },
  },
  'nodejs-cost': {
    script: 'bench:nodejs-cost',
    summary: 'Compares the processor time of an execution in Node.js with that in an earlier tree. Ends with 1 when it is over 2 % more.',
    options: {
      '--base <n>': 'a name of Git for the earlier tree (47289890~1, before functions had runtimes)',
      '--processes <n>': 'how often new processes start (5)',
      '--turns <n>': 'the turns of each tree in the same processes (8)',
      '--executions <n>': 'the executions of a turn (3000)',
    },
  },
  isolation: {
    script: 'bench:isolation',
    summary: 'Measures what the isolation of a function costs each execution. Ends with 1 when the cost is over 3 %.',
    positionals: { executions: '20000', rounds: '7' },
  },
  'plain-hello': {
    script: 'bench:plain-hello',
    summary: 'Prints the files that execute for one invocation in memory. Ends with 1 above 50, or with a file of the flow.',
  },
  signing: {
    script: 'bench:signing',
    summary: 'Measures what signed heads cost. Ends with 1 when the cost is over 2 %.',
    positionals: { invocations: '10000', rounds: '8' },
  },
  encryption: {
    script: 'bench:encryption',
    summary: 'Measures what encryption of payloads costs projects without it and with it. Ends with 1 when the former is over 3 %.',
    positionals: { invocations: '10000', rounds: '8' },
  },
  retention: {
    script: 'soak:retention',
    summary: 'Runs ten rounds of invocations with a janitor, and measures memory and disk of the server after each.',
    positionals: { invocations: '1000000', retention: 'a tenth of the invocations' },
  },
  memory: {
    script: 'soak:memory',
    summary: 'Runs ten rounds of invocations in all roles, and measures the memory of all processes after each. Ends with 1 above 700 MB.',
    positionals: { invocations: '1000000' },
  },
  outage: {
    script: 'soak:outage',
    summary: 'Runs every role through an outage of NATS.',
    positionals: { seconds: '600', 'seconds of the other outages': '80' },
  },
};

/** The help of a benchmark. */
export function helpOf({ script, summary, positionals = {}, options = {} }: Script): string {
  const args = Object.keys(positionals).map((name) => ` [${name}]`);
  const rows = [
    ...Object.entries(positionals).map(([name, otherwise]): [string, string] => [name, `(${otherwise})`]),
    ...Object.entries(options),
    ['--help', 'prints this help'] as [string, string],
  ];
  const width = Math.max(...rows.map(([term]) => term.length));
  const lines = rows.map(([term, meaning]) => `  ${term.padEnd(width)}  ${meaning}`);
  return `${summary}\n\nnpm run ${script} -- [options]${args.join('')}\n\n${lines.join('\n')}\n`;
}

/** The problem of the arguments of a benchmark; `undefined` for valid arguments. */
export function problemIn({ positionals = {}, options = {} }: Script, args: readonly string[]): string | undefined {
  const parsed: Options = {};
  for (const term of Object.keys(options)) parsed[term.replace(/^--| <n>$/g, '')] = { type: term.endsWith('>') ? 'string' : 'boolean' };
  const allowed = Object.keys(positionals).length;
  try {
    const { positionals: given } = parseArgs({ args: [...args], options: parsed, allowPositionals: allowed > 0 });
    return given.length > allowed ? `unexpected argument "${given[allowed]}"` : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
