// Entry points import this module first: SIGHUP ends a process without a listener, also one that still loads its modules.
// A mark remembers the signal, because a build of the command line has modules of its own (`src/cli/early-hang-up.ts`).
process.on('SIGHUP', () => performance.mark('sequent-hang-up'));
