import { SequentError } from '#src/core/errors.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import { createChance, type Engine } from '#test/simulate/world/engine.ts';
import type { Process } from '#test/simulate/world/process.ts';
import type { Servers } from '#test/simulate/world/servers.ts';
import { sendBatch } from './batches.ts';
import { createActions } from './workload.ts';

type Actions = ReturnType<typeof createActions>;
type Options = {
  engine: Engine;
  servers: Servers;
  /** Creates a process that may die. */
  open: (name: string) => Process;
};

const EACH = 3;
const BATCH = 'batch-1';
const SCHEDULED_FOR_MS = 10_000;
const AGAIN_AFTER_MS = 500;
const names = ['orders', 'billing', 'singles'] as const;

/**
 * Makes each pair of a request and its record once or a few times: an invocation and its redrive, the opening and the seal of a batch, the outcome of
 * an invocation and its children, the leader of a group and its members, a fire of a schedule and its progress, a slot and its attempt.
 *
 * Every operator is a process of its own, which may die between the two messages. No operator does the work of another one.
 */
export function createPairWorkload(seed: number, { engine, servers, open }: Options): { isDone(): boolean } {
  let unfinished = 0;

  function operate(name: string, work: (actions: Actions, process: Process) => Promise<unknown>): void {
    const process = open(name);
    let isDone = false;
    const end = (): void => {
      if (!isDone) unfinished--;
      isDone = true;
    };
    unfinished++;
    process.death.addEventListener('abort', end, { once: true });
    void work(createActions(process, servers), process).then(end);
  }

  for (const [index, name] of names.entries())
    for (let number = 0; number < EACH; number++) {
      const payload = JSON.stringify({ number: index * EACH + number, customer: 1, does: 'what its id says' });
      operate(`sender-${name}-${number}`, async ({ requests, repair }, process) => {
        const id = await requests.send(name as string as FunctionName, { payload });
        if (number === 0) await redrive(process, { repair, id, name });
      });
    }
  operate('opener', async (actions, client) => {
    await sendBatch({ client, ...actions }, { id: BATCH, name: 'billing' as FunctionName, chance: createChance(seed) });
  });
  unfinished++;
  void servers.functions.startSchedules();
  engine.after(SCHEDULED_FOR_MS, 'the schedules end', () => void servers.functions.endSchedules().finally(() => unfinished--));
  return { isDone: () => unfinished === 0 };
}

type Redriving = { repair: Actions['repair']; id: RequestId; name: string };

/** Redrives an invocation as soon as it has an outcome. */
async function redrive(process: Process, { repair, id, name }: Redriving): Promise<void> {
  for (;;) {
    await process.clock.sleep(AGAIN_AFTER_MS);
    try {
      await repair.redriveOnce(id, { function: name });
      return;
    } catch (error) {
      if (!(error instanceof SequentError)) throw error;
    }
  }
}
