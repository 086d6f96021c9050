import type { Command } from 'commander';

export type CommandEntry = {
  /** The name and the arguments, as the list of commands shows them. */
  usage: string;
  summary: string;
  load: () => Promise<Command>;
};

/**
 * The commands by their names, in the order of the help. The modules of a command are loaded with the command, so that a command costs
 * only its own modules, and the list of commands costs none. The description, the aliases and the options of a command are in its own file.
 */
export const commandTable: Readonly<Record<string, CommandEntry>> = {
  serve: {
    usage: 'serve',
    summary: 'run the roles of Sequent, and optionally a NATS server',
    load: async () => (await import('./commands/serve/serve.ts')).serveCommand(),
  },
  dev: {
    usage: 'dev [folder]',
    summary: 'run the functions of a folder while you write them',
    load: async () => (await import('./commands/dev/dev.ts')).devCommand(),
  },
  env: {
    usage: 'env',
    summary: 'the variables by which programs in this shell connect',
    load: async () => (await import('./commands/env.ts')).envCommand(),
  },
  invoke: {
    usage: 'invoke <function>',
    summary: 'run a function asynchronously',
    load: async () => (await import('./commands/invoke/invoke.ts')).invokeCommand(),
  },
  batch: {
    usage: 'batch',
    summary: 'the lines of one input, invoked together: ls, get, results, seal, cancel, redrive',
    load: async () => (await import('./commands/batch/batch.ts')).batchCommand(),
  },
  result: {
    usage: 'result <id>',
    summary: 'the result of an invocation',
    load: async () => (await import('./commands/read/result.ts')).resultCommand(),
  },
  pull: {
    usage: 'pull <id>',
    summary: 'write the request of an invocation to a file, for sequent run',
    load: async () => (await import('./commands/invoke/pull.ts')).pullCommand(),
  },
  run: {
    usage: 'run <file>',
    summary: 'execute a handler file once in this terminal',
    load: async () => (await import('./commands/run/run.ts')).runCommand(),
  },
  ls: {
    usage: 'ls [function]',
    summary: 'list invocations by state, time, text and more',
    load: async () => (await import('./commands/read/ls.ts')).lsCommand(),
  },
  get: {
    usage: 'get <id>',
    summary: 'show one invocation',
    load: async () => (await import('./commands/read/get.ts')).getInvocationCommand(),
  },
  stats: {
    usage: 'stats [function]',
    summary: 'counts and times per function',
    load: async () => (await import('./commands/read/stats.ts')).statsCommand(),
  },
  sql: {
    usage: 'sql <query>',
    summary: 'read-only SQL over the history of invocations',
    load: async () => (await import('./commands/log/sql.ts')).sqlCommand(),
  },
  tree: {
    usage: 'tree <id>',
    summary: 'draw the chain of an invocation',
    load: async () => (await import('./commands/read/tree.ts')).treeCommand(),
  },
  timeline: {
    usage: 'timeline <id>',
    summary: 'draw attempts, waits and transitions of an invocation',
    load: async () => (await import('./commands/read/timeline.ts')).timelineCommand(),
  },
  explain: {
    usage: 'explain <id>',
    summary: 'the history of an invocation, in sentences',
    load: async () => (await import('./commands/read/explain.ts')).explainCommand(),
  },
  diff: {
    usage: 'diff <id> <before> <after>',
    summary: 'changes of an invocation between two moments',
    load: async () => (await import('./commands/read/diff.ts')).diffCommand(),
  },
  tail: {
    usage: 'tail [function]',
    summary: 'transitions as they happen',
    load: async () => (await import('./commands/read/tail.ts')).tailCommand(),
  },
  logs: {
    usage: 'logs <function> [text]',
    summary: 'what the attempts of a function printed, and why they failed',
    load: async () => (await import('./commands/read/logs.ts')).logsCommand(),
  },
  cursor: {
    usage: 'cursor',
    summary: 'positions of durable subscribers of transitions: ls, rm',
    load: async () => (await import('./commands/log/cursor.ts')).cursorCommand(),
  },
  cancel: {
    usage: 'cancel [id]',
    summary: 'end an open invocation',
    load: async () => (await import('./commands/repair/cancel.ts')).cancelCommand(),
  },
  redrive: {
    usage: 'redrive [id]',
    summary: 'run invocations again, as new invocations',
    load: async () => (await import('./commands/repair/redrive.ts')).redriveCommand(),
  },
  dest: {
    usage: 'dest',
    summary: 'destinations: dead targets and dead letters',
    load: async () => (await import('./commands/dest/dest.ts')).destinationsCommand(),
  },
  connections: {
    usage: 'connections',
    summary: 'connections of the destinations: ls, reload, test',
    load: async () => (await import('./commands/connections.ts')).connectionsCommand(),
  },
  fn: {
    usage: 'fn',
    summary: 'functions: ls, get, put, set, code, rm, pause, resume, publish, versions, alias, deploy, export',
    load: async () => (await import('./commands/fn/fn.ts')).functionsCommand(),
  },
  flow: {
    usage: 'flow',
    summary: 'show what runs and waits in the flows of functions: ls',
    load: async () => (await import('./commands/flow/flow.ts')).flowCommand(),
  },
  schedule: {
    usage: 'schedule',
    summary: 'invoke functions again and again: put, ls, get, rm, pause, resume, run',
    load: async () => (await import('./commands/schedule/schedule.ts')).scheduleCommand(),
  },
  projection: {
    usage: 'projection',
    summary: 'the read model: status, check, rebuild, problems',
    load: async () => (await import('./commands/log/projection.ts')).projectionCommand(),
  },
  doctor: {
    usage: 'doctor',
    summary: 'find problems and their remedies',
    load: async () => (await import('./commands/doctor/doctor.ts')).doctorCommand(),
  },
  loss: {
    usage: 'loss',
    summary: 'messages that the log lost: ls, show, acknowledge',
    load: async () => (await import('./commands/log/loss.ts')).lossCommand(),
  },
  machine: {
    usage: 'machine [machine]',
    summary: 'the state machine as JSON',
    load: async () => (await import('./commands/machine.ts')).machineCommand(),
  },
  'nats-permissions': {
    usage: 'nats-permissions',
    summary: 'print the NATS permissions of each role',
    load: async () => (await import('./commands/nats/nats-permissions.ts')).natsPermissionsCommand(),
  },
  'nats-config': {
    usage: 'nats-config <folder>',
    summary: 'write a NATS configuration with a key for each role',
    load: async () => (await import('./commands/nats/nats-config.ts')).natsConfigCommand(),
  },
  'nats-streams': {
    usage: 'nats-streams',
    summary: 'create the JetStream streams of Sequent',
    load: async () => (await import('./commands/nats/nats-streams.ts')).natsStreamsCommand(),
  },
  verify: {
    usage: 'verify',
    summary: 'verify the log: fold all of it and list violations',
    load: async () => (await import('./commands/log/verify.ts')).verifyCommand(),
  },
  audit: {
    usage: 'audit',
    summary: 'who did what over HTTP and NATS services',
    load: async () => (await import('./commands/log/audit.ts')).auditCommand(),
  },
  archive: {
    usage: 'archive',
    summary: 'the archive of the log: ls, verify',
    load: async () => (await import('./commands/log/archive.ts')).archiveCommand(),
  },
  backup: {
    usage: 'backup <folder>',
    summary: 'save all streams to a folder, also while everything runs',
    load: async () => (await import('./commands/log/backup.ts')).backupCommand(),
  },
  restore: {
    usage: 'restore <folder>',
    summary: 'create the streams of a backup on a server without them',
    load: async () => (await import('./commands/log/restore.ts')).restoreCommand(),
  },
  heads: {
    usage: 'heads',
    summary: 'list the signed heads of the log',
    load: async () => (await import('./commands/log/heads.ts')).headsCommand(),
  },
  'signing-key': {
    usage: 'signing-key',
    summary: 'the key that signs the head of the log: create',
    load: async () => (await import('./commands/log/signing-key.ts')).signingKeyCommand(),
  },
  project: {
    usage: 'project',
    summary: 'quotas of a project, and encryption of its payloads: ls, quota, encrypt, erase',
    load: async () => (await import('./commands/project/project.ts')).projectCommand(),
  },
  keys: {
    usage: 'keys',
    summary: 'the keys of the encryption at rest: rotate',
    load: async () => (await import('./commands/keys.ts')).keysCommand(),
  },
  bulk: {
    usage: 'bulk',
    summary: 'bulk operations and their progress: ls, show, abort',
    load: async () => (await import('./commands/repair/bulk.ts')).bulkCommand(),
  },
  purge: {
    usage: 'purge',
    summary: 'erase finished invocations permanently',
    load: async () => (await import('./commands/repair/purge.ts')).purgeCommand(),
  },
  golden: {
    usage: 'golden',
    summary: 'histories in files: record, check with another version or policy',
    load: async () => (await import('./commands/log/golden.ts')).goldenCommand(),
  },
  mcp: {
    usage: 'mcp',
    summary: 'tools for agents: the Model Context Protocol on stdin and stdout',
    load: async () => (await import('./commands/mcp.ts')).mcpCommand(),
  },
  whatif: {
    usage: 'whatif',
    summary: 'outcomes under another policy',
    load: async () => (await import('./commands/read/whatif.ts')).whatIfCommand(),
  },
};
