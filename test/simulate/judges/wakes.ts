import type { StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import type { Engine } from '#test/simulate/world/engine.ts';

/** When processes heard of streams. */
export class Wakes {
  readonly #engine: Engine;
  /** When streams were woken, by stream. */
  readonly #wakes = new Map<string, number[]>();
  readonly #offers = new Map<string, number>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  woken(name: StreamName): void {
    const key = streamKey(name);
    const known = this.#wakes.get(key);
    if (known === undefined) this.#wakes.set(key, [this.#engine.now]);
    else known.push(this.#engine.now);
  }

  of(name: StreamName): readonly number[] {
    return this.#wakes.get(streamKey(name)) ?? [];
  }

  /** A process was offered the request of a stream. */
  offered(name: StreamName): void {
    this.#offers.set(streamKey(name), this.#engine.now);
  }

  /** When a process was last offered the request of a stream. */
  offeredAt(name: StreamName): number {
    return this.#offers.get(streamKey(name)) ?? 0;
  }
}
