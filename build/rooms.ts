/** A part of the code with one purpose. `folders` are those in it, with what each holds. */
export type Room = { readonly folder: string; readonly holds: string; readonly folders?: Readonly<Record<string, string>> };

/**
 * The parts of the code, by layer, the lowest first. A file imports from its own part and from lower layers, types included.
 * `src/main` is split over four layers: the command line starts roles, and the entry points start the command line.
 *
 * `npm run folder-map` writes this table into docs/architecture.md; `test/unit/repository/layout.test.ts` keeps both true.
 */
export const layers: readonly (readonly Room[])[] = [
  [
    { folder: 'machines', holds: 'the state machines, their facts and effects: pure, imports xstate and zod' },
    { folder: 'src/judge', holds: 'decides from raw messages and journals whether the promises held; imports nothing of the product' },
  ],
  [
    {
      folder: 'src/core',
      holds: 'ports and plain values, no vendor',
      folders: {
        audit: 'entries of the audit log, and how they are sent',
        bulk: 'bulk operations and purges as records',
        encryption: 'sealed texts, data keys, master keys',
        flow: 'the ledger of slots and tokens, the groups of debounced requests',
        functions: 'definitions of functions: policy, flow, canary, conditions of destinations',
        json: 'parsing, checking and laying out JSON, and paths to a value of it',
        lines: 'batches of lines: reading, sending, keys',
        log: 'requests, appends, links between messages, losses, erasure',
        memory: 'the ports in memory',
        names: 'names, ids, subjects, headers, URNs',
        output: 'the output of an attempt: lines, tail, hidden secrets',
        payloads: 'large payloads and references to them',
        ports: 'what the roles need from outside: stores, clocks, hosts, loggers',
        processes: 'the priority of the processes that work for one project',
        python: 'the Pythons of this machine, and the check of code in Python',
        quotas: 'the quotas of a project',
        schedules: 'schedules, their fire times and their progress',
        stream: 'one stream: its runs, its writer, its hints, its cancellation',
        text: 'parsing and formatting of texts and times',
        time: "the server's time",
        zip: 'zip files',
      },
    },
  ],
  [
    {
      folder: 'src/analysis',
      holds: 'explain, verify, what-if, canaries: folds of the raw log',
      folders: {
        canary: 'the test of a canary',
        explain: 'why something happened, or waits',
        verify: 'the check of the whole log',
        'what-if': 'other policies for past invocations',
        texts: 'the Chinese texts',
      },
    },
    {
      folder: 'src/archive',
      holds: 'the role `janitor`: archive, purge, erasure, signed heads',
      folders: {
        erasure: 'erasures, and requests in plain text',
        heads: 'signed heads of the log',
        retention: 'what the log keeps',
        segments: 'the format of the archive, and its readers',
        stores: 'folders and buckets',
      },
    },
    {
      folder: 'src/destinations',
      holds: 'the role `destinations`: deliveries, circuits, limits',
      folders: {
        connections: 'connections to services',
        limits: 'circuits, limits of targets, waiting deliveries',
        tries: 'the run of a delivery',
        http: 'HTTP with vetted addresses',
        targets: 'one file for each kind of destination',
      },
    },
    { folder: 'src/functions', holds: 'the registry: versions, aliases, loops, code packages' },
    {
      folder: 'src/hosts',
      holds: 'how handlers are executed: process, inline, subject, HTTP',
      folders: {
        around: 'what happens before and after an execution: secrets, large payloads, events of a group',
        packages: 'unpacked code packages',
        pool: 'the processes of all functions',
        process: 'one process of a function',
        remote: 'handlers behind HTTP or a subject',
        isolation: 'sandboxes and control groups',
        runtime: 'the code that runs in the processes of functions',
        runtimes: 'the table of languages: how each is found and started',
      },
    },
    {
      folder: 'src/nats',
      holds: 'the only folder that imports nats',
      folders: {
        permissions: 'accounts and the permissions of each role',
        questions: 'questions between processes, and their answers',
        replicas: 'replicas of streams in a cluster',
        streams: 'the log, the queues and the feeds as JetStream streams',
        transport: 'connections, refusals, the clock of the server',
        wire: 'the encoding of requests, appends, results and hints',
      },
    },
    {
      folder: 'src/projection',
      holds: 'the role `projection`: the read model in SQLite, and its queries',
      folders: {
        fold: 'reading and folding of the log',
        queries: 'answers from the read model',
        repair: 'checks, damage, losses',
        store: 'the tables, and their files',
        sql: 'SQL of people: what it may name, and on which rows it runs',
        stats: 'statistics, and the counts that are kept for them',
      },
    },
    {
      folder: 'src/scheduler',
      holds: 'the role `scheduler`: retries, ages, waits for slots, schedules, batches',
      folders: {
        fire: 'fire times of schedules',
        groups: 'groups of debounced requests',
        inspect: 'what a due stream needs: wakes, ends, results',
        open: 'the open streams, folded from headers',
        slots: 'which attempts get the next slots and tokens',
        waits: 'the streams that wait for slots, by pool and key',
      },
    },
    { folder: 'src/tracing', holds: 'spans around hosts, targets and requests' },
    {
      folder: 'src/worker',
      holds: 'the role `worker`: attempts, outcomes, slots, groups',
      folders: {
        attempt: 'the run of a stream: attempts, outcomes, results',
        groups: 'the part of the worker in groups of debounced requests',
        slots: 'executions at one moment, and slots of the ledger',
      },
    },
  ],
  [{ folder: 'src/main/nats-server', holds: 'the embedded nats-server' }],
  [
    {
      folder: 'src/client',
      holds: 'what applications import',
      folders: {
        follow: 'transitions and logs',
        history: 'invocations of the past',
        invoke: 'requests, results, batches',
        repair: 'cancel, redrive, dead deliveries',
        state: 'the present state: NATS, roles, slots',
        worker: "handlers in the user's own process",
      },
    },
    { folder: 'src/main/config', holds: 'settings of a process: flags, variables, files' },
  ],
  [
    { folder: 'src/examples', holds: 'the functions of `sequent dev` and of the documents', folders: { functions: 'their handlers' } },
    {
      folder: 'src/gateway',
      holds: 'the role `gateway`: HTTP',
      folders: {
        metrics: 'the metrics of Prometheus',
        api: 'the routes of /api, with their schemas',
        auth: 'who calls: tokens, sessions, signatures, certificates, origins',
        bulk: 'bulk operations',
        http: 'parts of every route: bodies, limits, problems, streams',
        operations: 'probes, metrics, automatic canaries',
        quotas: 'quotas of projects',
        vendor: "FunctionGraph's API",
      },
    },
    { folder: 'src/testing', holds: 'Sequent in memory, under virtual time' },
  ],
  [
    {
      folder: 'src/main/roles',
      holds: 'the wiring of each role, and the supervision of processes',
      folders: {
        files: 'files of the operator and of the data folder',
        processes: 'processes of roles: start, supervision, probes',
        threads: 'work in threads',
      },
    },
    {
      folder: 'src/web',
      holds: 'the pages: they read /api and nothing else',
      folders: {
        api: 'requests to the gateway',
        batches: 'batches',
        build: 'the build of the pages',
        code: 'code packages: their files, the editor, the differences',
        functions: 'functions: list, definition, versions, aliases, flow',
        invocation: 'one invocation',
        invocations: 'the list of invocations',
        logs: 'logs of a function',
        machine: 'drawings of the machines',
        parts: 'parts of several pages',
        pictures: 'icons',
        schedules: 'schedules',
        shell: 'navigation, routes, login, languages',
        styles: 'style sheets',
        system: 'the state of the system, dead letters, projects',
        texts: 'the texts and their translation',
        try: 'the page "Try a policy" of the site',
      },
    },
  ],
  [
    {
      folder: 'src/cli',
      holds: 'the command line',
      folders: {
        bulk: 'one action on many items',
        completion: 'completion of a shell',
        history: 'reads of the log and of read models',
        arguments: 'parsing of arguments',
        backup: 'backup and restore',
        code: 'packages of local files',
        commands: 'one file or one folder for each command',
        golden: 'golden files of functions',
        print: 'tables, timelines, differences',
        texts: 'the texts and their translation',
      },
    },
  ],
  [{ folder: 'src/main', holds: 'the entry points' }],
];
