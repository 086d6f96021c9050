import { type AuditBatch, type AuditEntry, type AuditLog, type AuditQuery, matchesQuery } from '#src/core/ports/stores/audit-log.ts';

/** An audit log in memory, which a test can take away. */
export class MemoryAuditLog implements AuditLog {
  readonly entries: AuditEntry[] = [];
  readonly #ids = new Set<string>();
  isAway = false;
  /** Whether batches are stored although the gateway hears nothing. */
  losesAnswers = false;

  async append({ id, entries }: AuditBatch): Promise<boolean> {
    if (this.isAway) return false;
    if (!this.#ids.has(id)) this.entries.push(...entries);
    this.#ids.add(id);
    return !this.losesAnswers;
  }

  async read(query: AuditQuery, limit: number): Promise<AuditEntry[]> {
    const { project } = query;
    return this.entries.filter((entry) => (project === undefined || entry.project === project) && matchesQuery(query, entry)).slice(-limit);
  }

  follow(): Promise<void> {
    throw new Error('no test follows this log');
  }
}
