import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { AwakeFunctions } from '#src/core/stream/awake-functions.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { startWorker } from '#src/worker/worker.ts';
import { appendId } from '#test/support/log/opened-log.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

/*
 * A process for tests that kill it while functions become idle and busy in turns.
 *
 * Arguments: "worker", which runs all functions, or "remover", which opens and removes their consumers as a scheduler does, but after a
 * fraction of a second without an item; and the address of NATS.
 */

const IDLE_AFTER_MS = 300;
const [, , kind, url = ''] = process.argv;
const { ports } = await openNats(url, { leaseInMs: 1_500 });
const signal = new AbortController().signal;
const functions = await openFunctionDirectory(ports.functions, { signal });
if (kind === 'worker') {
  const host = createInlineHost(new Map([...functions.names()].map((name) => [name, async () => name] as const)));
  const common = { ...ports, tenancy: { region: 'local', project: 'default' }, logger: silentLogger, functions, appendId };
  const limits = { maxHops: 8, maxChain: 100 };
  startWorker({ ...common, ...limits, findFunction: functions.ask, worker: `turning-${process.pid}`, host, canRun: () => true });
} else {
  const { workConsumers: consumers, log } = ports;
  const exists = (name: string): boolean => functions.get(name as never) !== undefined;
  const given = { consumers, exists, keeps: () => false, clock: systemClock, logger: silentLogger, signal, idleAfterInMs: IDLE_AFTER_MS };
  const awake = new AwakeFunctions(given);
  // From the newest message: the scheduler of the test and the list of the server know what came before.
  void log.follow((await log.lastSequence()) + 1, awake.fold, signal);
  void awake.keep();
}
process.stdout.write(`sequent ready: a ${kind}\n`);
