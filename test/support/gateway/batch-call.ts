import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** A line of the reply to a batch. */
export type BatchLine = {
  type: 'accepted' | 'refused' | 'end';
  accepted?: number;
  repeated?: number;
  refused?: number;
  unanswered?: number;
  first?: number;
  last?: number;
  line?: number;
  detail?: string;
  invocations?: { line: number; request_id: string }[];
  problem?: { status: number; detail: string };
};

export type BatchCall = {
  /** Sends a part of the body. */
  write(text: string): void;
  end(text?: string): void;
  /** Closes the connection. */
  abort(): void;
  status(): Promise<number | undefined>;
  /** The lines of the reply until one fulfils the condition, or until the reply ends. */
  linesUntil(condition?: (line: BatchLine) => boolean): Promise<BatchLine[]>;
};

/** Opens a batch whose body is sent in parts. Node's client reads the reply while it sends the body. */
export function openBatchCall(url: string, headers: Readonly<Record<string, string>> = {}): BatchCall {
  const sent = request(url, { method: 'POST', headers });
  sent.on('error', () => {});
  const replied = once(sent, 'response') as Promise<[IncomingMessage]>;
  // A call may end without a reply.
  replied.catch(() => {});
  return {
    write: (text) => void sent.write(text),
    end: (text = '') => void sent.end(text),
    abort: () => void sent.destroy(),
    status: async () => (await replied)[0].statusCode,
    async linesUntil(condition = () => false) {
      const [response] = await replied;
      const found: BatchLine[] = [];
      let text = '';
      // The rest of the reply can be read by a later call.
      for await (const part of response.iterator({ destroyOnReturn: false })) {
        const lines = (text + String(part)).split('\n');
        text = lines.pop() ?? '';
        found.push(...lines.map((line) => JSON.parse(line) as BatchLine));
        if (found.some(condition)) break;
      }
      return found;
    },
  };
}
