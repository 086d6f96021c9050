import { VERSION } from '#src/client/version.ts';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { STATE_BUCKET } from '#src/nats/wire/topology.ts';
import { overwritePages } from '#test/support/projection/damaged-files.ts';
import type { DoctorWorld, Situation } from './world.ts';

const announced =
  (part: Parameters<DoctorWorld['announce']>[0]): Situation['plant'] =>
  async ({ announce }) => ({ undo: await announce(part) });

const circuit = { deliverer: 'd', function: 'orders', target: 'HTTP https://x', openUntil: 1e12, reason: 'no answer' };

const processes: Situation[] = [
  {
    title: 'the clock of a process is an hour behind',
    plant: announced({ clockAheadInMs: -3_600_000, clockUncertaintyInMs: 2, takesWork: true }),
    truth: [['note', 'clock of elsewhere', /^1 h behind the server .*: it uses the server's time$/]],
    exit: 0,
  },
  {
    title: 'the clock of a process is beyond the limit',
    plant: announced({ clockAheadInMs: 9e8, clockUncertaintyInMs: 2, takesWork: false }),
    truth: [['problem', 'clock of elsewhere', /ahead of the server .*: it takes no work$/]],
    exit: 1,
  },
  {
    title: 'the server does not tell a process its time',
    plant: announced({ takesWork: false }),
    truth: [['problem', 'clock of elsewhere', /^the server did not send its time/]],
    exit: 1,
  },
  {
    title: 'a circuit is open',
    plant: announced({ roles: ['destinations'], circuits: [{ ...circuit, state: 'open', failures: 12 }] }),
    truth: [['problem', 'circuit of orders', /^the circuit of HTTP https:\/\/x for orders is open until/]],
    exit: 1,
  },
  {
    title: 'a circuit recovers',
    plant: announced({ roles: ['destinations'], circuits: [{ ...circuit, state: 'half-open', failures: 0 }] }),
    truth: [['note', 'circuit of orders', /half-open/]],
    exit: 0,
  },
  {
    title: 'a file of a process cannot be used',
    plant: announced({ fileProblems: ['c.json is not JSON'] }),
    truth: [['problem', 'files', /^c\.json is not JSON \(process 7 on elsewhere\)$/]],
    exit: 1,
  },
  {
    title: 'a process has no key for a project',
    plant: announced({ missingKeys: ['shop'] }),
    truth: [['problem', 'encryption', /has no key for the payloads of shop: attempts wait/]],
    exit: 1,
  },
  {
    title: 'the functions of a project wait for their part of the processors',
    plant: announced({ processorUse: [{ project: 'shop', usedInMs: 60_000, waitedInMs: 30_000, hasWaited: true }] }),
    truth: [['note', 'processors of project shop', /^its functions wait for their part of the processors: 30 s since the worker started/]],
    exit: 0,
  },
  {
    title: 'the bytes of a project take most of the main thread of a process',
    plant: announced({
      threadUse: [
        { project: 'bank', usedInMs: 90_000, share: 0.01 },
        { project: 'shop', usedInMs: 60_000, share: 0.63 },
      ],
    }),
    truth: [['note', 'main thread', /^the bytes of project shop took 63 % of the last minute of gateway \(process 7 on elsewhere\)$/]],
    exit: 0,
  },
  {
    title: 'an upgrade is half done',
    plant: announced({ version: '0.0.1' }),
    truth: [['note', 'versions', new RegExp(`several versions: ${VERSION.replaceAll('.', '\\.')} \\(4\\), 0\\.0\\.1 \\(1\\)$`)]],
    exit: 0,
  },
  {
    title: 'the log is full for a process',
    plant: (world) => announced({ logRefusal: 'maximum bytes exceeded', logRefusedAt: Date.now() })(world),
    truth: [['problem', 'log', /^is full and refuses: maximum bytes exceeded/]],
    exit: 1,
  },
  {
    title: 'the log was full for a process that has written nothing since, and stores again',
    plant: announced({ logRefusal: 'maximum bytes exceeded', logRefusedAt: 1e12 }),
    truth: [],
    exit: 0,
  },
  {
    title: 'the log lost messages',
    plant: async ({ client }) => {
      const book = createLossBook(await openKeyValue(client.connection, STATE_BUCKET));
      const times = { foundAt: 2e12, keptAt: 1e12, lostAt: 1.1e12 };
      await book.add([{ id: 'loss-1', created: 'c', foundBy: 'test', why: 'a power cut', keptUpTo: 5, lostUpTo: 8, ...times }]);
      return { undo: () => book.acknowledge(() => true, { at: 2e12, by: 'test' }) };
    },
    truth: [['problem', 'losses', /^the log lost at most 3 acknowledged messages/]],
    exit: 1,
  },
];

const noScheduler = ['problem', 'scheduler', /^no scheduler answers: retries wait/] as const;
const SILENT = /^a process with this role is connected to NATS, and does not answer$/;
const noProjection = ['problem', 'projection', /^no projection answers: ls, get, stats and tree do not work$/] as const;

const roles: Situation[] = [
  {
    title: 'no worker runs, and nothing waits',
    plant: async (world) => {
      const fn = await world.put('ok');
      const start = await world.stop('worker');
      return { name: fn.name, undo: async () => [await start(), await fn.undo()] };
    },
    truth: [['problem', 'worker', /^no worker answers: nothing is executed$/]],
    exit: 1,
  },
  {
    title: 'no worker runs, and requests wait',
    plant: async (world) => {
      const fn = await world.put('ok');
      const start = await world.stop('worker');
      await world.client.invoke(fn.name, {});
      return { name: fn.name, undo: async () => [await start(), await fn.undo()] };
    },
    truth: [
      ['problem', 'worker', /^no worker answers: nothing is executed$/],
      ['problem', 'worker for NAME', /: no worker runs$/],
    ],
    exit: 1,
  },
  {
    title: 'a signal stopped the scheduler',
    plant: async (world) => {
      world.signal('SIGSTOP', 'scheduler');
      return { undo: async () => world.signal('SIGCONT', 'scheduler') };
    },
    truth: [['problem', 'scheduler', SILENT]],
    exit: 1,
  },
  { title: 'no scheduler runs', plant: async (world) => ({ undo: await world.stop('scheduler') }), truth: [noScheduler], exit: 1 },
  {
    title: 'no scheduler runs, and requests wait for a worker of the users own process',
    plant: async (world) => {
      const fn = await world.put('ok', { handler: { kind: 'inline' } });
      await world.client.invoke(fn.name, {});
      const start = await world.stop('scheduler');
      return { name: fn.name, undo: async () => [await start(), await fn.undo()] };
    },
    truth: [noScheduler, ['problem', 'worker for NAME', /: no running worker executes NAME$/]],
    exit: 1,
  },
  { title: 'no projection runs', plant: async (world) => ({ undo: await world.stop('projection') }), truth: [noProjection], exit: 1 },
  {
    title: 'no destinations role runs, and no function needs one',
    plant: async (world) => ({ undo: await world.stop('destinations') }),
    truth: [['note', 'destinations', /^no destinations role answers: no outcome is delivered$/]],
    exit: 0,
  },
  {
    title: 'no destinations role runs for a function with destinations',
    plant: async (world) => {
      const target = await world.put('ok');
      const onSuccess = [{ destination: 'FunctionGraph' as const, param: { func_urn: target.name } }];
      const fn = await world.put('ok', { policy: { maxRetries: 0, onSuccess } });
      const start = await world.stop('destinations');
      return { undo: async () => [await start(), await fn.undo(), await target.undo()] };
    },
    truth: [['problem', 'destinations', /^no destinations role answers: no outcome is delivered$/]],
    exit: 1,
  },
  {
    title: 'a signal stopped all processes',
    plant: async (world) => {
      world.signal('SIGSTOP');
      return { undo: async () => world.signal('SIGCONT') };
    },
    truth: [
      ['problem', 'scheduler', SILENT],
      ['problem', 'processes', /^processes of Sequent are connected to NATS, and none answers$/],
      noProjection,
    ],
    exit: 1,
  },
  {
    title: 'the file of the read model is damaged',
    plant: async (world) => {
      const fn = await world.put('ok');
      await world.client.invokeMany(
        fn.name,
        Array.from({ length: 400 }, () => ({})),
      );
      await world.client.history.list({}, { atLeast: await world.client.lastSequence() });
      // The cache of a new process has no page of a row.
      const start = await world.stop('projection');
      await overwritePages(`${world.folder}/projection`);
      await start();
      return { name: fn.name, undo: async () => [await (await world.stop('projection'))(), await fn.undo()] };
    },
    truth: [['note', 'projection .*', /rebuilt from the log at .*: its file is damaged: .*malformed/]],
    exit: 0,
  },
];

export const processSituations: readonly Situation[] = [...processes, ...roles];
