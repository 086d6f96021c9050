/** The value that a JSON text stands for; undefined if the text is absent or is no JSON. No JSON text stands for undefined. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
