/** The value of a JSON text; `undefined` if the text is absent or no JSON. No JSON text has the value `undefined`. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
