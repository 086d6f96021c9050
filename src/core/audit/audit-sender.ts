import { randomUUID } from 'node:crypto';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { AuditBatch, AuditEntry, AuditLog } from '#src/core/ports/stores/audit-log.ts';

export type AuditSenderOptions = {
  audit: AuditLog;
  clock: Pick<Clock, 'now'>;
  logger: Logger;
  /** The own project. */
  project: string;
  maxWaiting?: number;
};

const SEND_EVERY_MS = 200;
const RETRY_EVERY_MS = 2_000;
const MAX_WAITING = 10_000;
const MAX_BATCH = 200;

/**
 * Sends entries of the audit log until NATS stores them. Beyond a limit the oldest entry of the project with the most waiting entries is
 * dropped and counted, so that the calls of one project lose no entry of another one (SHARE1).
 */
export class AuditSender {
  readonly #options: AuditSenderOptions;
  readonly #waiting = new Map<string, AuditEntry[]>();
  #count = 0;
  #batches: AuditBatch[] = [];
  #lost = 0;
  #isPlanned = false;
  #sending: Promise<boolean> | undefined;

  constructor(options: AuditSenderOptions) {
    this.#options = options;
  }

  add(entry: AuditEntry): void {
    const ofProject = this.#waiting.get(entry.project);
    if (ofProject === undefined) this.#waiting.set(entry.project, [entry]);
    else ofProject.push(entry);
    if (++this.#count > (this.#options.maxWaiting ?? MAX_WAITING)) this.#dropOldest();
    this.#sendIn(SEND_EVERY_MS);
  }

  /** Sends the waiting entries. Resolves to true when NATS stored all of them. */
  send(): Promise<boolean> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  #sendIn(inMs: number): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setTimeout(() => {
      this.#isPlanned = false;
      void this.send();
    }, inMs).unref();
  }

  async #sendAll(): Promise<boolean> {
    for (;;) {
      if (this.#batches.length === 0) this.#takeBatches();
      const [first] = this.#batches;
      if (first === undefined) return true;
      if (!(await this.#options.audit.append(first))) {
        this.#sendIn(RETRY_EVERY_MS);
        return false;
      }
      this.#batches.shift();
    }
  }

  #dropOldest(): void {
    let most: AuditEntry[] = [];
    for (const entries of this.#waiting.values()) if (entries.length > most.length) most = entries;
    most.shift();
    this.#count--;
    this.#lost++;
  }

  /** A batch of each project keeps its entries and its id until it is stored, so that no repetition stores an entry twice. */
  #takeBatches(): void {
    const lost = this.#lost > 0 ? [this.#lostEntry()] : [];
    this.#batches = [...this.#waiting].map(([project, waiting]) => ({ id: randomUUID(), project, entries: waiting.splice(0, MAX_BATCH) }));
    for (const [project, { length }] of this.#waiting) if (length === 0) this.#waiting.delete(project);
    this.#count -= this.#batches.reduce((sum, { entries }) => sum + entries.length, 0);
    if (lost.length > 0) this.#batches.push({ id: randomUUID(), project: this.#options.project, entries: lost });
  }

  #lostEntry(): AuditEntry {
    const { clock, logger, project } = this.#options;
    const now = clock.now();
    const count = this.#lost;
    this.#lost = 0;
    logger.warn({ lost: count }, 'entries of the audit log were dropped, because NATS did not store them');
    return { at: now, until: now, project, by: 'sequent', action: 'audit.lost', status: 0, requestId: '', count };
  }
}
