import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { bytesBeforeSealing, parseSealed } from '#src/core/encryption/sealed-text.ts';
import { isQualifier, quote } from '#src/core/names/names.ts';
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
