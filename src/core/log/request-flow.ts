import { FLOW_KEY_FORM, isFlowKey } from '#src/core/functions/flow.ts';
import { isPriority, PRIORITY_FORM } from '#src/core/functions/priority.ts';
import { quote } from '#src/core/names/names.ts';

/** What a request says for the flow of its function. */
export type FlowContent = { flowKey?: string | undefined; priority?: number | undefined };

/** The headers of a request for the flow of its function. */
export const flowHeader = {
  /** The key that the caller chose among those of the function's flow. */
  flowKey: 'Flow-Key',
  /** How urgent the request is, from 0 (least) to 9 (most), while requests wait for a slot. */
  priority: 'Priority',
} as const;

export function flowHeaders({ flowKey, priority }: FlowContent): [name: string, value: string][] {
  const headers: [string, string][] = [];
  if (flowKey !== undefined) headers.push([flowHeader.flowKey, flowKey]);
  if (priority !== undefined) headers.push([flowHeader.priority, String(priority)]);
  return headers;
}

/** What the headers say. A priority that is no number is NaN, which is a defect. */
export function flowIn(headers: { get(name: string): string } | undefined): FlowContent {
  const priority = headers?.get(flowHeader.priority) || undefined;
  return { flowKey: headers?.get(flowHeader.flowKey) || undefined, priority: priority === undefined ? undefined : Number(priority) };
}

const NOTHING = {};

/** The valid part of what a request says, and what is wrong with the rest. */
export function readFlow({ flowKey, priority }: FlowContent): { flowKey?: string; priority?: number; problem?: string } {
  // Most requests say nothing, and each one is read often.
  if (flowKey === undefined && priority === undefined) return NOTHING;
  const read: { flowKey?: string; priority?: number; problem?: string } = {};
  if (flowKey !== undefined && isFlowKey(flowKey)) read.flowKey = flowKey;
  else if (flowKey !== undefined) read.problem = `the flow key ${quote(flowKey)} ${FLOW_KEY_FORM}`;
  if (priority !== undefined && isPriority(priority)) read.priority = priority;
  else if (priority !== undefined) read.problem = `the priority ${PRIORITY_FORM}`;
  return read;
}
