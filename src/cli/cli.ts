import { runCommandLine } from './command-line.ts';
import { takeEarlyHangUp } from './early-hang-up.ts';
import { processHost } from './host.ts';
import { exitCodes } from './problem.ts';

/** As a shell reports a process that SIGHUP ended. */
const HUNG_UP = 129;

/** The entry point: runs one command in this process, and ends the process with the exit code. */
async function main(args: readonly string[]): Promise<void> {
  // The reader of stdout closed the pipe, as in `sequent tail | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => leave(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed));
  process.stderr.on('error', () => {});
  process.on('SIGINT', () => leave(exitCodes.interrupted));
  const code = await runCommandLine(args, processHost, {
    beforeCommand() {
      if (takeEarlyHangUp()) leave(HUNG_UP);
    },
  });
  // The process must end although a client may still hold timers.
  process.stdout.write('', () => leave(code));
}

function leave(code: number): never {
  process.exit(code);
}

await main(process.argv.slice(2));
