const steps = 'src/core/stream/work-consumers.ts';
const awake = 'src/core/stream/awake-functions.ts';
const watch = 'src/worker/work-watch.ts';

/**
 * Breakages of how the consumers of functions are opened and removed (CONS1 to CONS5). What another process makes good within seconds is found by
 * `test/unit/core/stream/awake-functions.test.ts` alone.
 */
export const consumerMutations = [
  {
    name: 'consumer opened above its item',
    breaks: 'CONS2: a consumer starts after the newest item, and delivers it to nobody',
    seed: 38,
    edits: [
      {
        file: steps,
        from: 'await consumers.create(name, floor);\n  return true;',
        to: 'await consumers.create(name, await consumers.newestItem(name));\n  return true;',
      },
    ],
  },
  {
    name: 'consumer removed with its floor unsaved',
    breaks: 'CONS3: the next consumer delivers items that were acknowledged',
    seed: 38,
    edits: [{ file: steps, from: 'await consumers.saveFloor(name, found);', to: '' }],
  },
  {
    name: 'opened consumer kept secret',
    breaks: 'CONS4: the workers hear of no opened consumer, and find it in the list',
    seed: 38,
    edits: [
      {
        file: awake,
        from: 'if (await openConsumer(consumers, name)) return consumers.hint(name);',
        to: 'if (await openConsumer(consumers, name)) return;',
      },
    ],
  },
  {
    name: 'failed opening forgotten',
    breaks: 'CONS1: a consumer that could not be opened is opened for the next item only',
    large: 'turns-failing' as const,
    edits: [
      {
        file: awake,
        from: 'void clock.sleep(OPEN_AGAIN_AFTER_MS, signal).then(() => this.#limited(() => this.#open(name)));',
        to: 'this.#awake.delete(name);',
      },
    ],
  },
  {
    name: 'log without a scheduler unread',
    breaks: 'CONS5: without a scheduler nobody opens a consumer',
    seed: 230,
    edits: [{ file: watch, from: '(isCovered ? standIn.end() : standIn.start())', to: 'isCovered || standIn.end()' }],
  },
];
