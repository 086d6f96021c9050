import { createHash } from 'node:crypto';
import { openTexts } from '#src/core/encryption/open-texts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { holdsSealed } from '#src/core/encryption/sealed-text.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { parseJson } from '#src/core/text/json.ts';
import { parseJsonPath, valueAt } from '#src/core/text/json-path.ts';
import { type Flow, isFlowKey } from './flow.ts';

/**
 * The key of a request: that of the request itself, else the value at the path of the flow. Without a text, a number or a boolean there, and
 * in a function without keys, the key is empty.
 *
 * A text that cannot be a key is replaced by its hash, and a value of an encrypted payload by a keyed hash (ENC9).
 */
export function flowKeyOf({ fact, payload }: Pick<AcceptedRequest, 'fact' | 'payload'>, { key }: Flow, payloads?: PayloadSealer): string {
  if (key === undefined) return '';
  if (fact.flowKey !== undefined) return fact.flowKey;
  const value = valueAt(parseJson(openTexts(payloads, payload, fact.function)), parseJsonPath(key) ?? []);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return '';
  const text = String(value);
  if (text === '') return '';
  if (holdsSealed(payload)) return payloads === undefined ? '' : payloads.hideFlowKey(fact.function, text);
  return isFlowKey(text) ? text : `sha256:${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
}
