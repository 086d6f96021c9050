/** The files of the flow control, and what they call. Folders end with a slash, and have the files of later changes too. */
export const FLOW_FILES = [
  'machines/group.ts',
  'src/core/flow/',
  'src/core/functions/debounce.ts',
  'src/core/functions/flow.ts',
  'src/core/functions/flow-key.ts',
  'src/core/functions/pool-names.ts',
  'src/core/functions/priority.ts',
  'src/core/functions/rate.ts',
  'src/scheduler/groups/',
  'src/scheduler/inspect/judge-waiting.ts',
  'src/scheduler/slots/',
  'src/scheduler/waits/',
  'src/worker/groups/',
  'src/worker/slots/flow-run.ts',
  'src/worker/slots/granted-attempts.ts',
  'src/worker/slots/ledger-slot.ts',
];
