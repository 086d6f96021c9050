import { parseJson } from '#src/core/json/json.ts';
import type { PayloadSealer } from './payload-sealer.ts';
import { holdsSealed, replaceSealed } from './sealed-text.ts';

/**
 * Opens the sealed texts in a value for a reader, wherever they are: whole texts, parts of a message, and texts in JSON in a text. A text
 * that cannot be opened stays as it is. A value without sealed texts is returned itself.
 *
 * `name` is the function of the value. A part that has a field `function` belongs to that function.
 */
export function openTexts<Value>(payloads: PayloadSealer | undefined, value: Value, name: string): Value {
  return payloads === undefined || payloads.isIdle ? value : (openIn({ payloads, isContent: false }, value, name) as Value);
}

/** `isContent`: the value is from a user's text, so its fields name no owner. */
type Opening = { payloads: PayloadSealer; isContent: boolean };

function openIn(opening: Opening, value: unknown, name: string): unknown {
  if (typeof value === 'string') return holdsSealed(value) ? openString(opening, value, name) : value;
  return typeof value === 'object' && value !== null ? openParts(opening, value, name) : value;
}

function openParts(opening: Opening, value: object, name: string): object {
  const owner = !opening.isContent && 'function' in value && typeof value.function === 'string' ? value.function : name;
  let changed: Record<string, unknown> | undefined;
  for (const [key, part] of Object.entries(value)) {
    const opened = openIn(opening, part, owner);
    if (opened === part) continue;
    changed ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    changed[key] = opened;
  }
  return changed ?? value;
}

function openString({ payloads }: Opening, text: string, name: string): string {
  // A sealed text in JSON must be escaped again once it is open.
  const parsed = text.startsWith('{') || text.startsWith('[') ? parseJson(text) : undefined;
  if (parsed === undefined) return replaceSealed(text, (number, ciphertext) => payloads.show(name, number, ciphertext));
  const opened = openIn({ payloads, isContent: true }, parsed, name);
  return opened === parsed ? text : JSON.stringify(opened);
}
