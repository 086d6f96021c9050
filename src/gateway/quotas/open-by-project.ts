import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { projectOf } from '#src/core/names/addressable.ts';

/** How many ended invocations are remembered, so that a repeated request of one of them does not count as open. */
const MAX_ENDED = 200_000;

/** The open invocations of each project, folded from the log: accepted, and not notified. */
export class OpenByProject {
  readonly #open = new Map<string, Set<string>>();
  /** The invocations that ended lately, in two generations. */
  #ended = new Set<string>();
  #endedBefore = new Set<string>();
  sequence = 0;

  fold(entry: FullLogEntry): void {
    // The log lost messages, and is read again from its beginning.
    if (entry.sequence <= this.sequence) this.#clear();
    this.sequence = entry.sequence;
    if (entry.kind === 'request') {
      const invoking = entry.message.requests.filter(({ fact }) => fact.opens === undefined);
      for (const { fact } of invoking) this.#accept(entry.message.name.function, fact.invocation);
    } else if (entry.kind === 'append') {
      for (const fact of entry.append.facts) if (fact.type === 'notified') this.#end(entry.name.function, fact.invocation);
    }
  }

  /** The own project has an empty name. A project without open invocations is absent. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#open].map(([project, ids]) => [project, ids.size]));
  }

  #accept(name: string, id: string): void {
    const key = `${name}/${id}`;
    if (this.#ended.has(key) || this.#endedBefore.has(key)) return;
    const project = projectOf(name) ?? '';
    const ids = this.#open.get(project);
    if (ids === undefined) this.#open.set(project, new Set([key]));
    else ids.add(key);
  }

  #end(name: string, id: string): void {
    const key = `${name}/${id}`;
    const project = projectOf(name) ?? '';
    const ids = this.#open.get(project);
    ids?.delete(key);
    if (ids?.size === 0) this.#open.delete(project);
    this.#ended.add(key);
    if (this.#ended.size < MAX_ENDED / 2) return;
    this.#endedBefore = this.#ended;
    this.#ended = new Set();
  }

  #clear(): void {
    this.#open.clear();
    this.#ended.clear();
    this.#endedBefore.clear();
  }
}
