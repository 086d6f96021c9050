/* What `npm run specify:spin` explores, and the breakages that it must find. */

export type Bounds = Readonly<Record<string, number>>;
export type Model = 'core' | 'links' | 'groups' | 'ledger' | 'deliveries' | 'batches' | 'schedules';
/** `isLong`: with `--all` alone. */
type Exploration = { model: Model; bounds: Bounds; isLong?: boolean };
/** `what`: the mutation of the code that breaks the same rule, by its name (`twins.ts`), or the rule that no mutation of the code breaks. */
type Breakage = { model: Model; flag: string; bounds: Bounds; what: string };

const pool = { REQUESTS: 4, KEYS: 3, LIMIT: 1, FIFO: 1, BURST: 0, CRASHES: 1 };
const linked = { REQUESTS: 2, OTHERS: 0, OLDS: 1, CUTS: 1, CRASHES: 0 };
const twoKeys = { REQUESTS: 6, KEYS: 2, WORKERS: 1, SCHEDULERS: 2, CRASHES: 1 };
const rated = { REQUESTS: 3, KEYS: 3, LIMIT: 2, FIFO: 0, BURST: 1, CRASHES: 1 };

export const explorations: readonly Exploration[] = [
  { model: 'core', bounds: { INVOCATIONS: 1, CRASHES: 3, CUTS: 0, PAUSES: 1 } },
  { model: 'core', bounds: { INVOCATIONS: 2, CRASHES: 3, CUTS: 0, PAUSES: 0 } },
  { model: 'core', bounds: { INVOCATIONS: 1, CRASHES: 3, CUTS: 1, PAUSES: 0 } },
  { model: 'core', bounds: { INVOCATIONS: 2, CRASHES: 0, CUTS: 1, PAUSES: 0, MAX_LOST: 1 } },
  { model: 'links', bounds: linked },
  { model: 'links', bounds: { ...linked, REQUESTS: 1, OTHERS: 1 } },
  { model: 'groups', bounds: { REQUESTS: 3, CRASHES: 1 } },
  { model: 'groups', bounds: twoKeys },
  { model: 'ledger', bounds: pool },
  { model: 'ledger', bounds: { ...rated, CRASHES: 0 } },
  { model: 'deliveries', bounds: { CRASHES: 2, TRIES: 3 } },
  { model: 'batches', bounds: { MEMBERS: 3 } },
  { model: 'schedules', bounds: { FIRES: 3, CRASHES: 2, QUEUES: 1 } },
  { model: 'schedules', bounds: { FIRES: 3, CRASHES: 2, QUEUES: 0 } },
  { model: 'core', bounds: { INVOCATIONS: 1, CRASHES: 1, CUTS: 1, PAUSES: 1 }, isLong: true },
  { model: 'core', bounds: { INVOCATIONS: 2, CRASHES: 3, CUTS: 1, PAUSES: 0, MAX_LOST: 1 }, isLong: true },
  { model: 'groups', bounds: { REQUESTS: 3, CRASHES: 3 }, isLong: true },
  { model: 'ledger', bounds: rated, isLong: true },
  { model: 'ledger', bounds: { ...pool, CRASHES: 3 }, isLong: true },
];

const calm = { INVOCATIONS: 1, CRASHES: 0, CUTS: 0, PAUSES: 0 };
const crash = { ...calm, CRASHES: 1 };
export const breakages: readonly Breakage[] = [
  { model: 'core', flag: 'M_FENCE_REMOVED', bounds: { ...calm, PAUSES: 1 }, what: 'fence removed' },
  { model: 'core', flag: 'M_FENCE_OF_MACHINE', bounds: { ...calm, PAUSES: 1 }, what: 'fence of the machine removed' },
  { model: 'core', flag: 'M_EFFECT_BEFORE_APPEND', bounds: calm, what: 'append after effect' },
  { model: 'core', flag: 'M_ACKNOWLEDGED_TOO_EARLY', bounds: crash, what: 'acknowledgement before durability' },
  { model: 'core', flag: 'M_STALE_VERSION_ACCEPTED', bounds: calm, what: 'stale version accepted' },
  { model: 'core', flag: 'M_CONFLICT_NOT_JUDGED_AGAIN', bounds: calm, what: 'conflict not judged again' },
  { model: 'core', flag: 'M_NOTIFIED_TWICE', bounds: calm, what: 'notified twice' },
  { model: 'core', flag: 'M_OUTCOME_OVERWRITTEN', bounds: { ...calm, PAUSES: 1 }, what: 'outcome overwritten' },
  { model: 'core', flag: 'M_WORKER_NOT_ASKED', bounds: calm, what: 'running worker not asked' },
  { model: 'core', flag: 'M_REDELIVERY_EXECUTES', bounds: calm, what: 'redelivery executes again' },
  { model: 'core', flag: 'M_RETRY_NOT_COUNTED', bounds: calm, what: 'retry not counted' },
  { model: 'core', flag: 'M_LOST_NOT_COUNTED', bounds: { ...crash, CRASHES: 5 }, what: 'lost attempt not counted' },
  { model: 'core', flag: 'M_WAKE_DROPPED', bounds: calm, what: 'wake time dropped' },
  { model: 'core', flag: 'M_RESULT_FORGOTTEN', bounds: crash, what: 'result forgotten' },
  { model: 'core', flag: 'M_LINK_NOT_COMPARED', bounds: { ...calm, CUTS: 1 }, what: 'link not compared' },
  { model: 'links', flag: 'M_LINK_TO_REQUEST_ALONE', bounds: linked, what: 'LINK1: an append links to its request alone' },
  { model: 'links', flag: 'M_LINK_IGNORED', bounds: linked, what: 'LINK2: the link is not compared' },
  {
    model: 'links',
    flag: 'M_HEAD_OF_UNLINKED_ALONE',
    bounds: { ...linked, REQUESTS: 1, OLDS: 2 },
    what: 'LINK3: a head without a link covers its append alone',
  },
  { model: 'links', flag: 'M_NOT_READ_AGAIN', bounds: linked, what: 'LINK4: a stream is not read again' },
  { model: 'links', flag: 'M_LATE_ANSWER_BELIEVED', bounds: linked, what: 'LINK4: a late answer is believed' },
  { model: 'links', flag: 'M_OWNER_NOT_ASKED', bounds: linked, what: 'LINK5: an append of a missing request counts' },
  { model: 'links', flag: 'M_LATER_REQUEST_NAMED', bounds: linked, what: 'LINK5: an append names a later request' },
  { model: 'groups', flag: 'M_WAIT_FOR_CLOSED_GROUP', bounds: { CRASHES: 0 }, what: 'wait for a closed group recorded' },
  { model: 'groups', flag: 'M_STARTED_WITHOUT_GROUP', bounds: { CRASHES: 0 }, what: 'debounced request started without a group' },
  { model: 'groups', flag: 'M_JOINS_TWICE', bounds: { CRASHES: 0 }, what: 'a member joins a second group' },
  { model: 'groups', flag: 'M_EVENT_OF_MEMBER_LOST', bounds: { CRASHES: 0 }, what: 'event of a member lost' },
  { model: 'groups', flag: 'M_MEMBER_ENDS_EARLY', bounds: { CRASHES: 0 }, what: 'member ended before its leader' },
  {
    model: 'groups',
    flag: 'M_CLOSED_BEFORE_PLACES',
    bounds: { CRASHES: 0 },
    what: 'group closed before its requests have their place',
  },
  { model: 'ledger', flag: 'M_LIMIT_EXCEEDED', bounds: { ...pool, CRASHES: 0 }, what: 'limit of a flow exceeded' },
  { model: 'ledger', flag: 'M_FREED_BEFORE_RESULT', bounds: { ...pool, CRASHES: 0 }, what: 'slot freed before the result' },
  { model: 'ledger', flag: 'M_WAITING_STARTS', bounds: { ...pool, CRASHES: 0 }, what: 'full key passed when it waits' },
  { model: 'ledger', flag: 'M_WAIT_ACKNOWLEDGED_EARLY', bounds: pool, what: 'wait for a key acknowledged too early' },
  { model: 'ledger', flag: 'M_WAITS_FORGOTTEN', bounds: { ...pool, CRASHES: 0 }, what: 'waits for slots forgotten' },
  { model: 'ledger', flag: 'M_NO_COMPARE_AND_SET', bounds: { ...rated, LIMIT: 1, BURST: 0 }, what: 'ledger without compare-and-set' },
  { model: 'ledger', flag: 'M_ORDER_BY_WAITS_ALONE', bounds: { ...pool, CRASHES: 0 }, what: 'order of a key by the waits alone' },
  { model: 'ledger', flag: 'M_KEY_FREED_BY_FAILED', bounds: { ...pool, CRASHES: 0 }, what: 'key freed by a failed attempt' },
  { model: 'ledger', flag: 'M_TOKENS_FORGOTTEN', bounds: { ...rated, CRASHES: 0 }, what: 'used tokens forgotten' },
  { model: 'ledger', flag: 'M_TOKENS_USED_EARLY', bounds: { ...rated, CRASHES: 0 }, what: 'tokens used before the start' },
  { model: 'ledger', flag: 'M_KEY_LIMIT_EXCEEDED', bounds: { ...pool, LIMIT: 2, CRASHES: 0 }, what: 'limit of a key exceeded' },
  { model: 'ledger', flag: 'M_RUNNING_IS_OVER', bounds: { ...pool, CRASHES: 0 }, what: 'slot of a running attempt freed' },
  { model: 'ledger', flag: 'M_KEPT_NOT_TAKEN_OVER', bounds: { ...pool, CRASHES: 0 }, what: 'kept slot not taken over' },
  { model: 'ledger', flag: 'M_HELD_TOKENS_NOT_COUNTED', bounds: { ...rated, CRASHES: 0 }, what: 'held tokens not counted' },
  { model: 'groups', flag: 'M_OLDEST_LEFT_OUT', bounds: { CRASHES: 0 }, what: 'oldest request of a group left out' },
  { model: 'groups', flag: 'M_KEYS_MIXED', bounds: { ...twoKeys, CRASHES: 0 }, what: 'DEB2: a group has requests of two keys' },
  { model: 'groups', flag: 'M_EVENT_OF_OTHER_GROUP', bounds: { CRASHES: 0 }, what: 'DEB3: the event of another group runs' },
  { model: 'deliveries', flag: 'M_TRY_BEFORE_APPEND', bounds: { CRASHES: 0 }, what: 'first try before its append' },
  { model: 'deliveries', flag: 'M_CHILD_ID_NOT_DERIVED', bounds: { CRASHES: 0 }, what: 'child id not derived' },
  { model: 'deliveries', flag: 'M_FUNCTION_MISSING_IN_ID', bounds: { CRASHES: 0 }, what: 'function missing in a delivery id' },
  { model: 'deliveries', flag: 'M_NOTIFIED_EARLY', bounds: { CRASHES: 0 }, what: 'D1: notified before the delivery is settled' },
  { model: 'schedules', flag: 'M_REQUESTED_BEFORE_NAME', bounds: { QUEUES: 0 }, what: 'fire requested before its name' },
  { model: 'schedules', flag: 'M_OWN_ID', bounds: { QUEUES: 1 }, what: 'fire with an id of its own' },
  { model: 'schedules', flag: 'M_NOT_LOOKED', bounds: { QUEUES: 1 }, what: 'fire beside a running invocation' },
  { model: 'batches', flag: 'M_SEALED_TWICE', bounds: { MEMBERS: 2 }, what: 'batch sealed twice' },
  { model: 'batches', flag: 'M_ABANDONED_NOT_SEALED', bounds: { MEMBERS: 2 }, what: 'FAN1: the batch of a dead sender is not sealed' },
  { model: 'batches', flag: 'M_COMPLETED_WITHOUT_SEAL', bounds: { MEMBERS: 2 }, what: 'FAN2: a batch completes before its seal' },
  { model: 'batches', flag: 'M_READ_MODEL_WITHOUT_SEAL', bounds: { MEMBERS: 2 }, what: 'FAN2: the read model lacks the seal' },
  { model: 'batches', flag: 'M_COMPLETED_TWICE', bounds: { MEMBERS: 2 }, what: 'batch completed twice' },
  { model: 'batches', flag: 'M_COMPLETED_WITH_OPEN_MEMBERS', bounds: { MEMBERS: 2 }, what: 'open members not awaited' },
  { model: 'batches', flag: 'M_CANCELED_MEMBER_RUNS', bounds: { MEMBERS: 2 }, what: 'member of a cancelled batch started' },
];
