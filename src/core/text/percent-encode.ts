/** Escapes everything but letters, digits, "-", ".", "_" and "~", as the rules of signatures want it. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
