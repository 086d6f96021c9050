import type { TurnKind } from '../plan.ts';

/*
 * What somebody sees of a mutation who has the raw messages, the results, the lines of the functions and of the receivers of deliveries, and what
 * the log acknowledged: `npm run simulate:mutations -- --outside` runs one world of each, and the judge of `src/judge/` alone decides.
 */

/** A world by its seed, or a large one by its name. */
export type World = number | 'keys' | 'ranks' | `turns-${TurnKind}`;
/** `world`: the judge finds the mutation there. With `unseen`, the judge finds nothing there, for this reason. */
export type Seen = { world: World; unseen?: string };

const AT_LEAST_ONCE = 'an attempt that is lost while its worker executes it is executed again, which is what at least once (E5) allows';
const READ_MODEL =
  'the judge reads the log, and no answer of a read model: each world of the simulation compares the read model with a fresh fold';
const LOSSES =
  'the record of a loss is a file of a process, and no message: a message that a power cut took is excused whether it was recorded or not';
const PRIORITIES = 'the priority of a request is no promise about its order where processes know the log at different times';
const LARGE = 'only a large world shows it, which the judge has not read';
const NOT_MET = 'none of the worlds that the judge has read shows it';
const SLOW = 'each invocation of this world ends with its own outcome, only later, and the judge knows no bound of that time';
const PLACES = 'the places of a worker and the size of an entry are in no message: the attempts start later only';
const ITEMS = 'the acknowledgement of an item is in no message of the log, and no invocation of this world lacks its outcome';

export const outside: Readonly<Record<string, Seen>> = {
  'fence removed': { world: 5 },
  'fence of the machine removed': { world: 4 },
  'append after effect': { world: 5 },
  'first try before its append': { world: 5 },
  'acknowledgement before durability': { world: 5 },
  'stale version accepted': { world: 5 },
  'conflict not judged again': { world: 5 },
  'notified twice': { world: 1 },
  'retry before it is due': { world: 5 },
  'delayed request before it is due': { world: 5 },
  'retry not counted': { world: 5 },
  'child id not derived': { world: 4 },
  'function missing in a delivery id': { world: 5 },
  'condition ignored': { world: 5 },
  'limit of a flow exceeded': { world: 5 },
  'slot freed before the result': { world: 5 },
  'full key passed when it waits': { world: 5 },
  'used tokens forgotten': { world: 9 },
  'key freed by a failed attempt': { world: 5 },
  'group closed before its requests have their place': { world: 1 },
  'member ended before its leader': { world: 1 },
  'debounced request started without a group': { world: 1 },
  'event of a member lost': { world: 1 },
  'oldest request of a group left out': { world: 1 },
  'limit of a key exceeded': { world: 5 },
  'slot of a running attempt freed': { world: 5 },
  'kept slot not taken over': { world: 5 },
  'held tokens not counted': { world: 5 },
  'tokens used before the start': { world: 13 },
  'fire with an id of its own': { world: 2 },
  'fire beside a running invocation': { world: 2 },
  'open members not awaited': { world: 4 },
  'batch completed twice': { world: 4 },
  'member of a cancelled batch started': { world: 4 },
  'redelivery executes again': { world: 5 },
  'batch sealed twice': { world: 4 },
  'order of a key by the waits alone': { world: 5 },
  'ledger without compare-and-set': { world: 5 },
  'longest wait of a group ignored': { world: 1 },
  'wake time dropped': { world: 5 },
  'clock of the machine believed': { world: 5 },
  'attempts with a slot not started': { world: 9, unseen: ITEMS },
  'key of a freed slot not ready': { world: 70 },
  'waiters of a refused write forgotten': { world: 32, unseen: SLOW },
  'consumer opened above its item': { world: 38 },
  'opened consumer kept secret': { world: 38, unseen: SLOW },
  'result of a dead worker forgotten': { world: 5 },
  'kept state of a granted attempt believed again': { world: 1014 },
  'slots granted behind the backlog': { world: 22 },
  'slots given without places': { world: 86, unseen: PLACES },
  'place of an own grant awaited': { world: 86, unseen: PLACES },
  'wait for a key acknowledged too early': { world: 5, unseen: ITEMS },
  'running worker not asked': { world: 9, unseen: AT_LEAST_ONCE },
  'lease not extended': { world: 5, unseen: AT_LEAST_ONCE },
  'loss not recorded': { world: 11, unseen: LOSSES },
  'acknowledged message not compared': { world: 11, unseen: LOSSES },
  'less urgent request listed first': { world: 32, unseen: PRIORITIES },
  'less urgent waiter first': { world: 160, unseen: PRIORITIES },
  'projection skips appends': { world: 7, unseen: READ_MODEL },
  'projection keeps lost facts': { world: 3, unseen: READ_MODEL },
  'projection forgets its streams': { world: 7, unseen: READ_MODEL },
};

/** The mutations of which the judge has read no world yet that shows them, and why. */
export const notJudged: Readonly<Record<string, string>> = {
  'outcome overwritten': NOT_MET,
  'wait for a closed group recorded': NOT_MET,
  'waits for slots forgotten': NOT_MET,
  'link not compared': NOT_MET,
  'fire requested before its name': NOT_MET,
  'consumer removed with its floor unsaved': NOT_MET,
  'log without a scheduler unread': NOT_MET,
  'result forgotten': 'its process ends with an unhandled rejection in the worlds that lose a result',
  'lost attempt not counted': 'the world does not end in minutes, because a function that kills its worker is tried for three hours',
  'failed opening forgotten': LARGE,
  'equal ranks compared with each other': LARGE,
};

/** The row of a mutation. Throws when there is none. */
export function seenFromOutside(name: string): Seen {
  const seen = outside[name];
  if (seen === undefined) throw new Error(`say in outside.ts whether a client sees "${name}"`);
  return seen;
}
