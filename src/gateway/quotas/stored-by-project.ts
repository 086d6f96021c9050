import type { Fact } from '#machines/facts.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { parseReference } from '#src/core/payloads/payload-reference.ts';

/** The messages of one part are counted together, so that a message costs no memory. */
const PART = 1_024;

/**
 * The bytes that the log holds of each project: of its requests and appends, and of the large payloads, values and outputs that they refer to, which
 * live as long as the log holds the messages (BIG4).
 */
export class StoredByProject {
  /** By project, then by the number of the part of the log. */
  readonly #parts = new Map<string, Map<number, number>>();
  sequence = 0;

  /** `bytes`: the size of the content of the message. */
  fold(entry: FullLogEntry, bytes: number): void {
    if (entry.sequence <= this.sequence) this.#parts.clear();
    this.sequence = entry.sequence;
    if (entry.kind === 'request') {
      const referred = entry.message.requests.reduce((sum, { payload }) => sum + bytesOf(payload), 0);
      this.#add(entry.message.name.function, entry.sequence, bytes + referred);
    } else if (entry.kind === 'append') {
      const referred = entry.append.facts.reduce((sum, fact) => sum + bytesReferredBy(fact), 0);
      this.#add(entry.name.function, entry.sequence, bytes + referred);
    }
  }

  /** What the log holds from a sequence on. The own project has an empty name. Forgets what is before. */
  from(first: number): Record<string, number> {
    const firstPart = Math.floor(first / PART);
    const totals: Record<string, number> = {};
    for (const [project, parts] of this.#parts) {
      let total = 0;
      for (const [part, bytes] of parts) {
        if (part < firstPart) parts.delete(part);
        else total += bytes;
      }
      if (total > 0) totals[project] = total;
    }
    return totals;
  }

  #add(name: string, sequence: number, bytes: number): void {
    const project = projectOf(name) ?? '';
    let parts = this.#parts.get(project);
    if (parts === undefined) {
      parts = new Map();
      this.#parts.set(project, parts);
    }
    const part = Math.floor(sequence / PART);
    parts.set(part, (parts.get(part) ?? 0) + bytes);
  }
}

const bytesOf = (text: string): number => parseReference(text)?.bytes ?? 0;

function bytesReferredBy(fact: Fact): number {
  const output = 'storedOutput' in fact && fact.storedOutput !== undefined ? bytesOf(fact.storedOutput.reference) : 0;
  const value = 'stored' in fact && typeof fact.stored === 'string' ? bytesOf(fact.stored) : 0;
  return output + value;
}
