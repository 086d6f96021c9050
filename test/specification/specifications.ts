import { replay, type SpecifiedState } from './replay.ts';
import { type FlowState, replayFlow } from './replay-flow.ts';
import { type BatchesState, type GroupsState, replayBatches, replayGroups } from './replay-groups.ts';
import { type LinkedState, replayLinks } from './replay-links.ts';

export type SpecificationName = 'life' | 'links' | 'flow' | 'groups' | 'batches';

/** A specification in Quint. `share`: of the traces of the life. `replay`: the first difference between a trace and the code. */
export type Specification = {
  name: SpecificationName;
  file: string;
  steps: number;
  share: number;
  code: string;
  replay: (states: readonly never[]) => Promise<string | undefined>;
};

export const specifications: readonly Specification[] = [
  {
    name: 'life',
    file: 'life.qnt',
    steps: 10,
    share: 1,
    code: 'machine, stream writer and reader of logs',
    replay: replay satisfies Replay<SpecifiedState>,
  },
  {
    name: 'links',
    file: 'models/links.qnt',
    steps: 24,
    share: 0.1,
    code: 'stream writers and log in memory',
    replay: replayLinks satisfies Replay<LinkedState>,
  },
  {
    name: 'flow',
    file: 'models/flow.qnt',
    steps: 90,
    share: 0.01,
    code: 'ledger of slots',
    replay: replayFlow satisfies Replay<FlowState>,
  },
  {
    name: 'groups',
    file: 'models/groups.qnt',
    steps: 54,
    share: 0.02,
    code: 'machines of all requests',
    replay: replayGroups satisfies Replay<GroupsState>,
  },
  {
    name: 'batches',
    file: 'models/batches.qnt',
    steps: 26,
    share: 0.05,
    code: 'machine of the batch',
    replay: replayBatches satisfies Replay<BatchesState>,
  },
];

type Replay<State> = (states: readonly State[]) => Promise<string | undefined>;
