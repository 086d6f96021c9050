/** Who did what over HTTP or a NATS service. An entry never contains a secret or a payload. */
export type AuditEntry = {
  /** When the first of the calls ended, and when the last one did: milliseconds since the epoch. */
  at: number;
  until: number;
  project: string;
  /** The access key, `token:` and the beginning of its SHA-256, `anonymous` without credentials, or `nats:` and the role that was answered. */
  by: string;
  action: string;
  /** The function or the invocation that the call names. */
  subject?: string | undefined;
  status: number;
  /** The `X-Request-Id` of the last of the calls; empty for a NATS service. */
  requestId: string;
  /** How many equal calls the entry stands for. */
  count: number;
  /** The reason of a decision that Sequent made by itself. */
  why?: string | undefined;
};

/** `since` is a time in milliseconds. An absent part matches everything. */
export type AuditQuery = { project?: string | undefined; since: number; by?: string | undefined; action?: string | undefined };

/** The entries of all gateways and services, in a stream of its own, which forgets the oldest ones. */
export interface AuditLog {
  /** Stores entries of one project; resolves to whether they are durable. The same batch is stored once. Never rejects. */
  append(batch: AuditBatch): Promise<boolean>;
  /** The newest matching entries, at most `limit`, the oldest first. */
  read(query: AuditQuery, limit: number): Promise<AuditEntry[]>;
  /** Delivers the matching entries, the present and the later ones, until the signal aborts. */
  follow(query: AuditQuery, onEntry: (entry: AuditEntry) => void, signal: AbortSignal): Promise<void>;
}

export type AuditBatch = { id: string; project: string; entries: readonly AuditEntry[] };

/** Whether an entry matches the parts of a query that the stream does not select by. */
export function matchesQuery({ since, by, action }: AuditQuery, entry: AuditEntry): boolean {
  return entry.until >= since && (by === undefined || entry.by === by) && (action === undefined || entry.action === action);
}
