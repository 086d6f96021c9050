/** The FNV-1a hash of the UTF-16 code units of a text, as a signed integer of 32 bits. Equal in every process. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
