import type { Outcome } from '#machines/facts.ts';
import { derivedId } from './ids.ts';
import type { RequestId } from './names.ts';

/*
 * The ids that follow from an invocation. Every role, client and check derives them here.
 *
 * The id of a delivery names invocation, function and destination (DLV1). The function name contains the project.
 */

/** The id of a delivery, and its idempotency key: equal for all tries. It starts with the request id, whose time a child keeps (H8). */
export function deliveryIdOf(functionName: string, { invocation }: Pick<Outcome, 'invocation'>, destination: string) {
  return `${invocation}/${functionName}/${destination}`;
}

/** The id of the invocation that a delivery to a function starts. */
export function childIdOf(deliveryId: string): RequestId {
  return derivedId(deliveryId);
}

/**
 * The id of a redrive of an invocation, numbered from 1. It has no function, because a redrive stays in the function of the invocation, and an
 * id is unique within its function.
 */
export function redriveIdOf(invocation: string, number: number): RequestId {
  return derivedId(`${invocation}/redrive/${number}`);
}

/** The id of the request that opens a batch, and of its stream. It is a derived id, so no client opens a batch (FAN3), and it names the function (ID1). */
export function openingIdOf(functionName: string, batch: string): RequestId {
  return derivedId(`${batch}/opens/batch/${functionName}`);
}
