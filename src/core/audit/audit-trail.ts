import type { AuditEntry } from '#src/core/ports/stores/audit-log.ts';
import { AuditSender, type AuditSenderOptions } from './audit-sender.ts';

const COUNT_FOR_MS = 60_000;
const MAX_COUNTED = 1_000;

export type AuditTrailOptions = AuditSenderOptions & { signal: AbortSignal };

/** Adds entries to the audit log, without a wait for it. */
export class AuditTrail {
  readonly #sender: AuditSender;
  readonly #counted = new Map<string, AuditEntry>();

  constructor({ signal, ...options }: AuditTrailOptions) {
    this.#sender = new AuditSender(options);
    const minute = setInterval(() => this.#endMinute(), COUNT_FOR_MS);
    minute.unref();
    signal.addEventListener('abort', () => clearInterval(minute), { once: true });
  }

  add(entry: AuditEntry): void {
    this.#sender.add(entry);
  }

  /** Adds one entry a minute for equal calls. */
  count(entry: AuditEntry): void {
    const key = `${entry.project} ${entry.by} ${entry.action} ${entry.status} ${entry.subject ?? ''}`;
    const present = this.#counted.get(key);
    if (present === undefined) {
      if (this.#counted.size >= MAX_COUNTED) this.#endMinute();
      this.#counted.set(key, entry);
      return;
    }
    present.count++;
    present.until = entry.until;
    present.requestId = entry.requestId;
  }

  /** Sends the waiting and the counted entries. Resolves to true when NATS stored all of them. */
  async flush(): Promise<boolean> {
    this.#endMinute();
    return await this.#sender.send();
  }

  #endMinute(): void {
    for (const entry of this.#counted.values()) this.#sender.add(entry);
    this.#counted.clear();
  }
}
