/*
 * Keys as a JetStream bucket holds them. Clients of JetStream refuse ":" in a key, which the name of a function in a package contains (PKG1).
 * No other key contains "/=", so the replacement is reversible, and the keys of earlier versions stay as they are.
 */

export function encodeKey(key: string): string {
  return key.includes(':') ? key.replaceAll(':', '/=') : key;
}

export function decodeKey(stored: string): string {
  return stored.includes('/=') ? stored.replaceAll('/=', ':') : stored;
}
