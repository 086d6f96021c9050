import { breakages as ofQuint } from './breakages.ts';
import { breakages as ofModels } from './spin-models.ts';

/*
 * The twins: each mutation of the code (`test/simulate/mutations/`) breaks a rule that a model has too, so that the model checker finds it
 * without the code. A test compares both lists.
 */

/** Where the twin of each mutation is: the model and its breakage, by the name of the mutation. */
export const twins: ReadonlyMap<string, string> = new Map([
  ...ofQuint.flatMap(({ twin, name, of = 'life' }): [string, string][] => (twin === undefined ? [] : [[twin, `${of}.qnt: ${name}`]])),
  ...ofModels.map(({ model, flag, what }): [string, string] => [what, `${model}.pml: ${flag}`]),
]);

const NO_READ_MODEL = 'no model has a read model beside the log: each world of the simulation compares it with a fresh fold';
const NO_TIME = 'the models have no time that passes, and the mutation is only slow';
const NO_LOSSES = 'the models do not record what a power cut took: LOSS1 to LOSS4 are judged after each cut of the simulation';
const NO_CONSUMERS = 'no model has the consumers of functions: awake-functions.test.ts runs each of their steps against each other';

/** The mutations without a twin, and why. */
export const withoutTwin: Readonly<Record<string, string>> = {
  'lease not extended': 'an item may return to the queue at any time in core.pml, so that a lease changes nothing there',
  'condition ignored': 'conditions of destinations (WHEN1) are a function of the outcome, and no protocol',
  'clock of the machine believed': 'the models have the time of the log alone',
  'loss not recorded': NO_LOSSES,
  'acknowledged message not compared': NO_LOSSES,
  'projection skips appends': NO_READ_MODEL,
  'projection keeps lost facts': NO_READ_MODEL,
  'projection forgets its streams': NO_READ_MODEL,
  'attempts with a slot not started': NO_TIME,
  'longest wait of a group ignored':
    'a group of the models closes at any time: when it is due follows from the times of its requests alone',
  'less urgent request listed first': 'which of many requests a scheduler lists first is the memory of one process: flow.qnt lists any',
  'key of a freed slot not ready': 'the scheduler of ledger.pml looks at all keys: which ones are ready is the memory of one process',
  'waiters of a refused write forgotten':
    'the scheduler of ledger.pml looks at all waits: it keeps no list that a refused write makes wrong',
  'place of an own grant awaited': 'the models count no places of a worker',
  'result of a dead worker forgotten': 'the results stream is in core.pml, and the slots are in ledger.pml',
  'kept state of a granted attempt believed again': NO_TIME,
  'slots granted behind the backlog': NO_TIME,
  'slots given without places': 'the models count no places of a worker',
  'equal ranks compared with each other': NO_TIME,
  'consumer opened above its item': NO_CONSUMERS,
  'consumer removed with its floor unsaved': NO_CONSUMERS,
  'opened consumer kept secret': NO_CONSUMERS,
  'failed opening forgotten': NO_CONSUMERS,
  'log without a scheduler unread': NO_CONSUMERS,
};
