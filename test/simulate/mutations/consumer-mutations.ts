const awake = 'src/core/stream/awake-functions.ts';
const listedAgain = 'for (const name of before) if (!open.has(name) && this.#awake.has(name)) void this.#limited(() => this.#open(name));';

/** Breakages of the consumers of functions, as `mutations.ts` describes them. */
export const consumerMutations = [
  {
    name: 'item during a removal forgotten',
    breaks: 'CONS3, CONS4: nobody asks the log after a consumer was removed',
    edits: [
      {
        file: 'src/core/stream/work-consumers.ts',
        from: 'return !(await openConsumer(consumers, name));',
        to: 'return true;',
      },
      { file: awake, from: listedAgain, to: 'void before;' },
    ],
  },
  {
    name: 'lost consumer not opened again',
    breaks: 'CONS4: a process that dies between the steps of a removal leaves an item without a consumer',
    edits: [{ file: awake, from: listedAgain, to: 'void before;' }],
  },
  {
    name: 'hint sent once',
    breaks: 'CONS4: a worker that missed the hint never works for the function',
    edits: [
      { file: 'src/worker/work-watch.ts', from: 'for (const name of await consumers.list()) onWork(name);', to: 'await consumers.list();' },
    ],
  },
  {
    name: 'consumer opened once',
    breaks: 'CONS1: a consumer that could not be opened is not opened again',
    edits: [
      {
        file: awake,
        from: 'void clock.sleep(OPEN_AGAIN_AFTER_MS, signal).then(() => this.#limited(() => this.#open(name)));',
        to: 'void clock.sleep(OPEN_AGAIN_AFTER_MS, signal);',
      },
      { file: awake, from: listedAgain, to: 'void before;' },
    ],
  },
];
