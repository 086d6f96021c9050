import { randomUUID } from 'node:crypto';
import type { AuditBatch, AuditEntry, AuditLog } from '#src/core/ports/audit-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';

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

/** Sends entries of the audit log until NATS stores them. Beyond a limit the oldest entries are dropped and counted. */
export class AuditSender {
  readonly #options: AuditSenderOptions;
  readonly #waiting: AuditEntry[] = [];
  #batches: AuditBatch[] = [];
  #lost = 0;
  #isPlanned = false;
  #sending: Promise<boolean> | undefined;

  constructor(options: AuditSenderOptions) {
    this.#options = options;
  }

  add(entry: AuditEntry): void {
    this.#waiting.push(entry);
    if (this.#waiting.length > (this.#options.maxWaiting ?? MAX_WAITING)) {
      this.#waiting.shift();
      this.#lost++;
    }
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

  /** A batch keeps its entries and its id until it is stored, so that no repetition stores an entry twice. */
  #takeBatches(): void {
    const entries = this.#waiting.splice(0, MAX_BATCH);
    if (this.#lost > 0) entries.push(this.#lostEntry());
    const projects = new Set(entries.map(({ project }) => project));
    this.#batches = [...projects].map((project) => ({
      id: randomUUID(),
      project,
      entries: entries.filter((entry) => entry.project === project),
    }));
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
