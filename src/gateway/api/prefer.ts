/** The most seconds that a caller may wait in one request. */
const MAX_WAIT_IN_S = 60;

/** The seconds that `Prefer: wait=N` asks for, at most 60; `undefined` when it does not ask. */
export function waitOf(prefer: string | undefined): number | undefined {
  const seconds = /(?:^|[,;])\s*wait=(\d{1,6})\s*(?:$|[,;])/.exec(prefer ?? '')?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), MAX_WAIT_IN_S);
}
