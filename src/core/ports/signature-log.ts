/** A signature that a gateway accepted: 52 bits of it, when it was dated (in seconds since the epoch), and when it came first. */
export type SeenSignature = { key: number; signedAt: number; at: number };

/** What all gateways tell each other, so that a request which one of them accepted is sent to none of them again. */
export interface SignatureLog {
  /** Tells the others within some milliseconds. */
  publish(signature: Omit<SeenSignature, 'at'>): void;
  /** Hears those that can still be acceptable, and every later one, until the signal aborts. Resolves when the earlier ones were heard. */
  hear(onSignature: (signature: SeenSignature) => void, signal: AbortSignal): Promise<void>;
}
