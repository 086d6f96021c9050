/** The longest wait of one request, in seconds. */
const MAX_WAIT_IN_S = 60;

/** The seconds that `Prefer: wait=N` asks for, at most 60; `undefined` without such a preference. */
export function waitOf(prefer: string | undefined): number | undefined {
  const seconds = /(?:^|[,;])\s*wait=(\d{1,6})\s*(?:$|[,;])/.exec(prefer ?? '')?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), MAX_WAIT_IN_S);
}
