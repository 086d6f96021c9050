/**
 * Characters that no name contains, and that no text shows as they are: control characters, separators of lines, and the characters that
 * change the direction of text. They move the cursor of a terminal, or let a reader see other text than the bytes say.
 */
const CONTROL = String.raw`\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}`;
const controls = new RegExp(`[${CONTROL}]`, 'gu');
/** A text of several lines keeps its lines. */
const controlsInLines = new RegExp(`(?![\\t\\n])[${CONTROL}]`, 'gu');

/** A text that a field of a name refuses with {@link NO_CONTROLS}. */
export const withoutControls = new RegExp(`^[^${CONTROL}]*$`, 'u');
export const NO_CONTROLS = 'must not hold control characters, or characters that change the direction of text';

/**
 * The text with such characters as `\u001b`. In a JSON text the value stays the same. Tabs and the ends of lines stay when `keepsLines` is
 * true.
 */
export function escapeControls(text: string, { keepsLines = false } = {}): string {
  return text.replace(keepsLines ? controlsInLines : controls, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
