/** A command of the long form of the checks. A shell runs it at the root of the clone; `$SEQUENT_SEED` is the seed of the run. */
export type LongCommand = {
  name: string;
  command: string;
  /** The claim that holds when the command ends with 0. */
  proves: string;
};

/** On the newest server and Node, as in the second pass of `.ci/run`. npm of another Node would read another global configuration. */
const NEWEST =
  'server=$(.ci/newest-nats-server) && node=$(.ci/newest-lts-node) && config=$(npm config get globalconfig) && npm_config_globalconfig=$config PATH=$(dirname "$node"):$PATH NATS_SERVER_BIN=$server NATS_SERVER_CONFIG=$PWD/.ci/announced-features.conf npm test --';

/** The commands in their order. `npm run long -- --list` prints them. */
export const commands: readonly LongCommand[] = [...mutations(), ...newSeeds(), ...kills(), ...newestVersions(), ...benchmarks()];

function mutations(): LongCommand[] {
  return [
    {
      name: 'specification-mutations',
      command: 'npm run specify -- --mutations',
      proves: 'each broken rule of a specification differs from the code, or breaks an invariant',
    },
    {
      name: 'mutations',
      command: 'npm run simulate:mutations',
      proves: 'the simulation finds each planted breakage of the code',
    },
    {
      name: 'outside-mutations',
      command: 'npm run simulate:mutations -- --outside',
      proves: 'the judge alone finds the planted breakages that a client can see, and no other ones',
    },
  ];
}

function newSeeds(): LongCommand[] {
  return [
    {
      name: 'properties',
      command: 'npm test -- --project unit --project unit-slow --project matrix',
      proves: 'the properties hold for cases of a new seed',
    },
    {
      name: 'specification',
      command: 'npm run specify -- --seed $SEQUENT_SEED',
      proves: 'the code follows each trace of the specifications from a new seed',
    },
    {
      name: 'models',
      command: 'npm run specify:spin -- --all',
      proves: 'no state of the models with their larger bounds breaks a rule, and each broken rule is found',
    },
    {
      name: 'simulation',
      command: 'npm run simulate -- --quiet --seed $SEQUENT_SEED --invocations 1000000',
      proves: 'no rule breaks in 1,000,000 invocations under faults from a new seed',
    },
    {
      name: 'outside-simulation',
      command: 'npm run simulate -- --outside --quiet --seed $SEQUENT_SEED --invocations 100000',
      proves: 'the judge finds nothing in 100,000 invocations under faults from a new seed',
    },
    {
      name: 'canaries',
      command: 'npm run canaries -- --seed $SEQUENT_SEED',
      proves: 'the tables of canaries in docs/functions.md can be computed from a new seed; a person compares them',
    },
    {
      name: 'canary-rows',
      command: 'SEQUENT_CANARY_RUNS=2000 npm test -- test/unit/gateway/auto-canaries.test.ts',
      proves: 'each row of these tables holds with 2,000 canaries',
    },
  ];
}

function kills(): LongCommand[] {
  return [
    { name: 'kills', command: 'npm run soak', proves: 'nothing is lost or ends twice in 100,000 invocations under 150 kills' },
    { name: 'delivery-kills', command: 'npm run soak:deliveries', proves: 'each of 10,000 outcomes is delivered under 8 kills' },
    { name: 'flow-kills', command: 'npm run soak:flow', proves: 'a limit is kept, and used, under 12 kills of workers' },
    { name: 'fifo-kills', command: 'npm run soak:fifo', proves: 'the order of 1,000 keys is kept under 20 kills' },
    {
      name: 'turn-kills',
      command: 'npm run soak:turns',
      proves: '1,000 functions that become idle and busy in turns lose nothing in two minutes of kills',
    },
    { name: 'projection-kills', command: 'npm run soak:projection', proves: 'a read model equals its rebuild after 100 kills' },
    {
      name: 'storm',
      command: 'npm run storm -- --minutes 10 --seed $SEQUENT_SEED',
      proves: 'a cluster under partitions, pauses and kills loses nothing in ten minutes of faults from a new seed',
    },
    { name: 'outage', command: 'npm run soak:outage', proves: 'every role outlives ten minutes without NATS, and all ends once' },
    { name: 'neighbour', command: 'npm run neighbour', proves: 'no attack of a hostile project costs its neighbour anything' },
    { name: 'dead-targets', command: 'npm run dead-targets', proves: 'dead destinations do not slow the deliveries to others' },
  ];
}

function newestVersions(): LongCommand[] {
  return [
    {
      name: 'newest-integration',
      command: `${NEWEST} --project integration`,
      proves: 'the integration tests hold on the newest server, with the features that it announces, and the newest Node',
    },
    {
      name: 'newest-others',
      command: `${NEWEST} test/matrix/runtimes/runtime-conformance test/e2e/backup test/conformance test/package/image`,
      proves: 'what else depends on the server or on Node holds on the newest versions of both',
    },
    { name: 'newest-faults', command: `${NEWEST} test/faults`, proves: 'all faults are survived on the newest server and Node' },
    { name: 'newest-cluster', command: `${NEWEST} test/cluster`, proves: 'a cluster of the newest servers survives its faults' },
    {
      name: 'unlocked',
      command: 'SEQUENT_TEST_UNLOCKED=1 npm test -- test/package/consumers.test.ts',
      proves: 'the package works in applications with the newest versions that its ranges allow',
    },
  ];
}

function benchmarks(): LongCommand[] {
  return [
    { name: 'bench-plain-hello', command: 'npm run bench:plain-hello', proves: 'an invocation in memory executes at most 50 files' },
    { name: 'bench-isolation', command: 'npm run bench:isolation', proves: 'isolation costs an execution at most 3 %' },
    { name: 'bench-signing', command: 'npm run bench:signing', proves: 'signed heads cost at most 2 %' },
    { name: 'bench-encryption', command: 'npm run bench:encryption', proves: 'projects without encryption pay at most 3 % for it' },
    { name: 'bench-flow-cost', command: 'npm run bench:flow-cost', proves: 'functions without a flow pay at most 2 % for flow control' },
    { name: 'bench-nodejs-cost', command: 'npm run bench:nodejs-cost', proves: 'runtimes cost functions in Node.js at most 2 %' },
    {
      name: 'bench-projection-cost',
      command: 'npm run bench:projection-cost',
      proves: 'the processor time of the projection for an invocation stays below its bound',
    },
    { name: 'bench-incidents', command: 'npm run bench:incidents', proves: 'doctor and explain name the causes of 38 of 40 incidents' },
    { name: 'bench-lean', command: 'npm run bench:lean', proves: 'the ratios of worker, scheduler and destinations keep their bounds' },
    { name: 'bench-http', command: 'npm run bench:http', proves: 'acceptance over HTTP keeps its bounds' },
    { name: 'bench-turnover', command: 'npm run bench:turnover', proves: 'freed slots are used in time' },
    { name: 'bench-runtimes', command: 'npm run bench:runtimes', proves: 'Python and Go keep their ratios to Node.js' },
    { name: 'bench-flow', command: 'npm run bench:flow', proves: 'limits are kept and used with a million waiting requests' },
    { name: 'bench-functions', command: 'npm run bench:functions', proves: 'functions without work cost what their bounds say' },
    { name: 'bench-projection', command: 'npm run bench:projection', proves: 'a read model is rebuilt and queried within its bounds' },
    { name: 'bench-drain', command: 'npm run bench:drain', proves: 'bursts and a backlog of 500,000 invocations end within their bounds' },
    { name: 'bench', command: 'npm run bench', proves: 'the rates and latencies of npm start keep their bounds' },
    { name: 'bench-compare', command: 'npm run bench:compare', proves: 'the ratios to other systems keep their bounds' },
    { name: 'memory', command: 'npm run soak:memory', proves: 'ten rounds of invocations leave all processes below 700 MB' },
    { name: 'retention', command: 'npm run soak:retention', proves: 'ten rounds with a janitor do not grow the server' },
  ];
}
