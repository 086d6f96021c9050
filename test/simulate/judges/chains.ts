import type { Append, RequestMessage, StoredAppend, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';

type Linked = { append: Append; stored: StoredAppend; request: RequestMessage | undefined };

/** The last message of each stream that counts (LINK1, LINK2), found without the code of the product. */
export class Chains {
  readonly #heads = new Map<string, string>();

  /** Whether an append follows the last message of its stream, or the request that it names as the first one. */
  accepts(name: StreamName, { append, stored, request }: Linked): boolean {
    const key = streamKey(name);
    const isOwn = request?.name.function === name.function && request.name.stream === name.stream;
    if (append.link === undefined || append.link !== (this.#heads.get(key) ?? (isOwn ? request.hash : undefined))) return false;
    this.#heads.set(key, stored.hash);
    return true;
  }

  clear(): void {
    this.#heads.clear();
  }
}
