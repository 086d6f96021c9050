/** Whether a version of nats-server is this one or a newer one. `oldest` has two or three numbers. */
export function isAtLeast(version: string, oldest: string): boolean {
  const parts = version.split('.').map(Number.parseFloat);
  const wanted = oldest.split('.').map(Number);
  const index = wanted.findIndex((number, at) => number !== parts[at]);
  return index === -1 || (parts[index] ?? 0) > (wanted[index] ?? 0);
}

/** The messages of an atomic batch share an fsync from this version on. */
export const SHARES_FSYNC_SINCE = '2.15';
