import type { Command } from 'commander';

/**
 * The commands by their names, in the order of the help. The modules of a command are loaded with the command, so that a command costs
 * only its own modules. The description, the aliases and the options of a command are in its own file.
 */
export const commandTable: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve/serve.ts')).serveCommand(),
  invoke: async () => (await import('./commands/invoke.ts')).invokeCommand(),
  result: async () => (await import('./commands/result.ts')).resultCommand(),
  ls: async () => (await import('./commands/ls.ts')).lsCommand(),
  get: async () => (await import('./commands/get.ts')).getInvocationCommand(),
  stats: async () => (await import('./commands/stats.ts')).statsCommand(),
  tree: async () => (await import('./commands/tree.ts')).treeCommand(),
  timeline: async () => (await import('./commands/timeline.ts')).timelineCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  diff: async () => (await import('./commands/diff.ts')).diffCommand(),
  tail: async () => (await import('./commands/tail.ts')).tailCommand(),
  cursor: async () => (await import('./commands/cursor.ts')).cursorCommand(),
  cancel: async () => (await import('./commands/cancel.ts')).cancelCommand(),
  redrive: async () => (await import('./commands/redrive.ts')).redriveCommand(),
  dest: async () => (await import('./commands/dest/dest.ts')).destinationsCommand(),
  fn: async () => (await import('./commands/fn/fn.ts')).functionsCommand(),
  projection: async () => (await import('./commands/projection.ts')).projectionCommand(),
  doctor: async () => (await import('./commands/doctor/doctor.ts')).doctorCommand(),
  loss: async () => (await import('./commands/loss.ts')).lossCommand(),
  machine: async () => (await import('./commands/machine.ts')).machineCommand(),
  'nats-permissions': async () => (await import('./commands/nats-permissions.ts')).natsPermissionsCommand(),
  verify: async () => (await import('./commands/verify.ts')).verifyCommand(),
  audit: async () => (await import('./commands/audit.ts')).auditCommand(),
  archive: async () => (await import('./commands/archive.ts')).archiveCommand(),
  heads: async () => (await import('./commands/heads.ts')).headsCommand(),
  'signing-key': async () => (await import('./commands/signing-key.ts')).signingKeyCommand(),
  purge: async () => (await import('./commands/purge.ts')).purgeCommand(),
  whatif: async () => (await import('./commands/whatif.ts')).whatIfCommand(),
};
