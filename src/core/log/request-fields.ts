import { type FactOf, type Lineage, MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { bytesBeforeSealing, parseSealed } from '#src/core/encryption/sealed-text.ts';
import { FLOW_KEY_FORM, isFlowKey } from '#src/core/functions/flow.ts';
import { isPriority, PRIORITY_FORM } from '#src/core/functions/priority.ts';
import { isBareName, isQualifier, isRequestId, quote } from '#src/core/names/names.ts';
import { parseReference } from '#src/core/payloads/payload-reference.ts';
import type { AcceptedRequest } from './event-log.ts';

type Checked = {
  payload: string | undefined;
  qualifier?: string | undefined;
  /** The defect of another part of the request. */
  problem?: string | undefined;
};

/** Why a request can never run; `undefined` when it can. */
export function defectOf({ payload, qualifier, problem }: Checked): AcceptedRequest['defect'] {
  if (qualifier !== undefined && !isQualifier(qualifier)) {
    return { condition: 'InvalidRequest', message: `the qualifier ${quote(qualifier)} is neither a version nor "!" and an alias` };
  }
  if (problem !== undefined) return { condition: 'InvalidRequest', message: problem };
  if (payload === undefined) return { condition: 'InvalidPayload', message: 'the payload is not UTF-8 text' };
  const bytes = payload.length * 3 > MAX_PAYLOAD_BYTES ? bytesBeforeSealing(payload) : payload.length;
  if (bytes > MAX_PAYLOAD_BYTES) {
    return { condition: 'PayloadTooLarge', message: `the payload has ${bytes} bytes; at most ${MAX_PAYLOAD_BYTES} are accepted` };
  }
  if (payload === '') return undefined;
  try {
    JSON.parse(payload);
    return undefined;
  } catch (error) {
    // The process that sealed or stored it has checked it.
    if (parseSealed(payload) !== undefined || parseReference(payload) !== undefined) return undefined;
    return { condition: 'InvalidPayload', message: `the payload is not JSON: ${(error as Error).message}` };
  }
}

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

/** How the headers of a request name what the request follows from. */

export function encodeLineage({ root, parent, hop, budget }: Lineage): string {
  return `${root}/${parent}/${hop}${budget === undefined ? '' : `/${budget}`}`;
}

/** An invalid lineage is dropped. */
export function decodeLineage(text: string): Lineage | undefined {
  const [root = '', parent = '', hop = '', budget = ''] = text.split('/');
  if (!isRequestId(root) || !isRequestId(parent) || !/^[0-9]{1,6}$/.test(hop)) return undefined;
  return { root, parent, hop: Number(hop), ...(/^-?[0-9]{1,9}$/.test(budget) ? { budget: Number(budget) } : {}) };
}

/** An invalid name of a schedule is dropped. */
export function decodeSchedule(text: string): FactOf<'queued'>['schedule'] {
  const [name = '', at = ''] = text.split('/');
  if (!isBareName(name)) return undefined;
  return /^[0-9]{1,15}$/.test(at) ? { name, at: Number(at) } : { name };
}
