/**
 * A signal that aborts after a time in milliseconds, or earlier with any of the signals.
 *
 * `AbortSignal.any` alone refers weakly to its sources: Node.js removes an `AbortSignal.timeout` that nothing else refers to, and the time
 * limit never comes (nodejs/node issue 57736). A signal with a listener stays until its time.
 */
export function abortWithin(ms: number, ...signals: readonly AbortSignal[]): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  limit.addEventListener('abort', () => {}, { once: true });
  return AbortSignal.any([limit, ...signals]);
}
