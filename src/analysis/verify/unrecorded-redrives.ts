import type { FullLogEntry, StreamName } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import type { RequestId } from '#src/core/names/names.ts';
import type { Finding } from './findings.ts';

/** A redrive is recorded at the latest by its worker, so a younger one may still be recorded. */
const RECORDED_WITHIN_MS = 60_000;

type Redrive = { sequence: number; at: number; name: StreamName; origin: string; redrive: string };

/** The redrives that the invocations which they run again do not name (RDR1). Memory grows with these alone. */
export class UnrecordedRedrives {
  readonly #open = new Map<string, Redrive>();
  #newestAt = 0;

  read(entry: FullLogEntry): void {
    this.#newestAt = entry.at;
    if (entry.kind === 'request') this.#readRequest(entry);
    if (entry.kind !== 'append') return;
    for (const fact of entry.append.facts)
      if (fact.type === 'redriven') this.#open.delete(keyOf(entry.name.function, fact.invocation, fact.redrive));
  }

  /** The redrives that are not recorded in time. `isKnown`: whether the log holds the stream of an origin. */
  *late(isKnown: (name: StreamName) => boolean): Generator<Pick<Finding, 'sequence' | 'function' | 'invocation' | 'what'>> {
    for (const { sequence, at, name, origin, redrive } of this.#open.values()) {
      if (at + RECORDED_WITHIN_MS > this.#newestAt || !isKnown({ ...name, stream: streamOf(origin as RequestId) })) continue;
      const what = `${redrive} runs it again, and it does not name that redrive; redrive it again, which starts nothing and records the redrive`;
      yield { sequence, function: name.function, invocation: origin, what };
    }
  }

  #readRequest({ sequence, at, message: { name, requests } }: Extract<FullLogEntry, { kind: 'request' }>): void {
    for (const { fact } of requests) {
      const { redriveOf: origin, invocation: redrive } = fact;
      if (origin === undefined) continue;
      const key = keyOf(name.function, origin, redrive);
      if (!this.#open.has(key)) this.#open.set(key, { sequence, at, name, origin, redrive });
    }
  }
}

function keyOf(name: string, origin: string, redrive: string): string {
  return `${name}/${origin}/${redrive}`;
}
