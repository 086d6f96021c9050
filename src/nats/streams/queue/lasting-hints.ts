import type { StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';
import type { PublishAnswer, Publisher } from '#src/nats/transport/publisher.ts';
import type { HintSigner } from '#src/nats/wire/hint-signer.ts';
import { deliverMessage, type HintMessage, headersOf, wakeMessage } from './hints.ts';

type LastingHintsOptions = { publisher: Publisher; clock: Clock; signer: HintSigner; signal: AbortSignal };

/** The newest hint of one kind for a stream. `isOverdue`: it was refused, was not answered in time, or was not published yet. */
type Sent = { key: string; message: HintMessage; sentAt: number; isOverdue: boolean };

const LOOK_EVERY_MS = 500;
/** An answer that takes longer is a sign of an outage. */
const OVERDUE_AFTER_MS = 1_000;
const RESENT_AT_ONE_TIME = 256;

/**
 * The hints of the scheduler, each published again until the server has stored it (HINT1). No other role repeats them.
 *
 * 1. A hint is acknowledged. It is kept in memory until then: at most one of each kind for a stream, because the newest one stands for all.
 * 2. While a hint is overdue, no further hint is published, and one after the other is tried, twice a second. As soon as one is stored, all
 *    others follow. A repetition has the same id, so the server stores it once.
 * 3. A hint that no permission allows is dropped, because the connection reports the permission.
 *
 * The hints are lost with the process. The next scheduler reads the log, and hints again.
 */
export function createLastingHints(options: LastingHintsOptions): Hints {
  const outbox = new Outbox(options);
  const { signer } = options;
  return {
    wake: (...hint) => outbox.add(keyOf('wake', hint), wakeMessage(signer, ...hint)),
    deliver: (...[name, request, id]) => outbox.add(keyOf('deliver', [name]), deliverMessage(signer, name, request, id)),
  };
}

class Outbox {
  readonly #options: LastingHintsOptions;
  readonly #sent = new PassingMap<string, Sent>();
  /** Whether the server stored no hint lately although one is overdue. */
  #isStalled = false;
  #isRepeating = false;

  constructor(options: LastingHintsOptions) {
    this.#options = options;
  }

  add(key: string, message: HintMessage): void {
    if (this.#options.signal.aborted) return;
    const sent = { key, message, sentAt: this.#options.clock.now(), isOverdue: this.#isStalled };
    this.#sent.set(key, sent);
    if (!this.#isStalled) void this.#publish(sent);
    if (!this.#isRepeating) void this.#repeatRefused();
  }

  /** Resolves to whether the server stored the hint. Never rejects. */
  async #publish(sent: Sent): Promise<boolean> {
    const { key, message } = sent;
    const answer = await this.#options.publisher.publish(message.subject, message.hint, headersOf(message));
    if (this.#sent.get(key) !== sent) return answer.kind === 'stored';
    this.#sent.delete(key);
    if (isEnd(answer)) return answer.kind === 'stored';
    sent.isOverdue = true;
    // Last in the order: a hint that is refused for a reason of its own must not hold up the others.
    this.#sent.set(key, sent);
    return false;
  }

  /** Runs while hints are unanswered. */
  async #repeatRefused(): Promise<void> {
    const { clock, signal } = this.#options;
    this.#isRepeating = true;
    while (this.#sent.size > 0 && !signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      await this.#repeat(this.#overdue());
    }
    this.#isStalled = false;
    this.#isRepeating = false;
  }

  #overdue(): Sent[] {
    const before = this.#options.clock.now() - OVERDUE_AFTER_MS;
    const found: Sent[] = [];
    for (const [, sent] of this.#sent) if (sent.isOverdue || sent.sentAt <= before) found.push(sent);
    return found;
  }

  async #repeat([probe, ...others]: readonly Sent[]): Promise<void> {
    this.#isStalled = probe !== undefined;
    if (probe === undefined) return;
    // Without a leader, no answer comes for seconds, and a leader may be elected meanwhile: the next look probes again.
    const { clock, signal } = this.#options;
    if (!(await Promise.race([this.#publish(probe), clock.sleep(LOOK_EVERY_MS, signal).then(() => false)]))) return;
    this.#isStalled = false;
    for (let from = 0; from < others.length; from += RESENT_AT_ONE_TIME) {
      const stored = await Promise.all(others.slice(from, from + RESENT_AT_ONE_TIME).map((sent) => this.#publish(sent)));
      if (stored.includes(false)) return;
    }
  }
}

function keyOf(kind: 'wake' | 'deliver', [name]: readonly [StreamName, ...unknown[]]): string {
  return `${kind}.${streamKey(name)}`;
}

/** Whether the hint need not be repeated. */
function isEnd(answer: PublishAnswer): boolean {
  return answer.kind === 'stored' || (answer.kind === 'refused' && answer.isForbidden === true);
}
