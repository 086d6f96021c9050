/** A signature that a gateway accepted: 52 bits of it, its date (in seconds since the epoch), and when a gateway first accepted it. */
export type SeenSignature = { key: number; signedAt: number; at: number };

/** The signatures that all gateways share, so that no gateway accepts a request that another one has accepted. */
export interface SignatureLog {
  /** Reaches the other gateways within some milliseconds. */
  publish(signature: Omit<SeenSignature, 'at'>): void;
  /**
   * Receives the signatures that are not too old to be accepted, and every later one, until the signal aborts. Resolves when the earlier ones
   * were received.
   */
  subscribe(onSignature: (signature: SeenSignature) => void, signal: AbortSignal): Promise<void>;
}
