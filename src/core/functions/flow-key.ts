import { createHash } from 'node:crypto';
import { openTexts } from '#src/core/encryption/open-texts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { holdsSealed } from '#src/core/encryption/sealed-text.ts';
import { parseJson } from '#src/core/json/json.ts';
import { elementTexts, memberText } from '#src/core/json/json-parts.ts';
import { type JsonPath, parseJsonPath, valueAt } from '#src/core/json/json-path.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { threadTime } from '#src/core/quotas/thread-time.ts';
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
  const path = parseJsonPath(key) ?? [];
  const { opened, value } = threadTime.spendOn(fact.function, () => {
    const opened = openTexts(payloads, payload, fact.function);
    return { opened, value: valueAt(parseJson(opened), path) };
  });
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return '';
  const text = isRounded(value) ? writtenNumber(opened, path, value) : String(value);
  if (text === '') return '';
  if (holdsSealed(payload)) return payloads === undefined ? '' : payloads.hideFlowKey(fact.function, text);
  return isFlowKey(text) ? text : `sha256:${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
}

/** A whole number beyond 2^53, such as an id of 64 bits: two ids that are next to each other have one value. */
function isRounded(value: string | number | boolean): value is number {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function writtenNumber(payload: string, path: JsonPath, value: number): string {
  const text = path.reduce<string>(
    (part, step) => (typeof step === 'number' ? elementTexts(part)[step] : memberText(part, step)) ?? '',
    payload,
  );
  return /^-?\d+$/.test(text) ? text : String(value);
}
