/** Encodes every character except letters, digits, "-", ".", "_" and "~", as request signatures require. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
