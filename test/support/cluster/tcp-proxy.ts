import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * What a proxy does with its connections.
 *
 * - `open`: passes all bytes.
 * - `cut`: resets every connection, and every new one.
 * - `hole`: accepts connections and bytes, and passes none. The bytes are passed when the link opens again.
 */
type Link = 'open' | 'cut' | 'hole';

/** A TCP proxy on loopback in front of one port. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  set(link: Link): void;
  /** Passes every chunk of bytes this much later. */
  delay(ms: number): void;
  /** From the next chunk of a client on that contains this text, passes the bytes of that client this much later. */
  delayFrom(text: string, ms: number): void;
  /** Loses the next chunk of a client that contains this text. Resolves when it was lost. */
  lose(text: string): Promise<void>;
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pipes = new Set<Pipe>();
  let link: Link = 'open';
  let delayInMs = 0;
  let lateFrom: { text: string; ms: number } | undefined;
  const losses: { text: string; resolve: () => void }[] = [];
  const isLost = (bytes: Buffer): boolean => {
    const index = losses.findIndex(({ text }) => bytes.includes(text));
    if (index < 0) return false;
    for (const { resolve } of losses.splice(index, 1)) resolve();
    return true;
  };
  /** The delay of one client: the order of its bytes stays. */
  const delayOfClient = (): ((bytes: Buffer) => number) => {
    let ownInMs = 0;
    return (bytes) => {
      if (lateFrom !== undefined && bytes.includes(lateFrom.text)) ownInMs = lateFrom.ms;
      return delayInMs + ownInMs;
    };
  };
  const server = createServer({ noDelay: true }, (near) => {
    if (link === 'cut') {
      near.on('error', () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const pair = [new Pipe(near, far, delayOfClient(), isLost), new Pipe(far, near, () => delayInMs)];
    for (const pipe of pair) {
      pipes.add(pipe);
      if (link === 'hole') pipe.hold();
    }
    const end = (): void => {
      for (const pipe of pair) pipes.delete(pipe);
      // After the bytes that are still delayed.
      setTimeout(() => [near, far].map((socket) => socket.destroy()), delayInMs);
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      link = next;
      for (const pipe of pipes) {
        if (next === 'cut') pipe.reset();
        else if (next === 'hole') pipe.hold();
        else pipe.pass();
      }
    },
    delay(ms) {
      delayInMs = ms;
    },
    delayFrom(text, ms) {
      lateFrom = { text, ms };
    },
    lose: (text) => new Promise((resolve) => losses.push({ text, resolve })),
    async [Symbol.asyncDispose]() {
      for (const pipe of pipes) pipe.reset();
      server.close();
      await once(server, 'close');
    },
  };
}

/** One direction of a connection. */
class Pipe {
  readonly #source: Socket;

  constructor(source: Socket, target: Socket, delayOf: (bytes: Buffer) => number, isLost: (bytes: Buffer) => boolean = () => false) {
    this.#source = source;
    source.on('data', (bytes) => {
      if (isLost(bytes)) return;
      const ms = delayOf(bytes);
      if (ms === 0) target.write(bytes);
      else setTimeout(() => target.write(bytes), ms);
    });
  }

  hold(): void {
    this.#source.pause();
  }

  pass(): void {
    this.#source.resume();
  }

  reset(): void {
    this.#source.resetAndDestroy();
  }
}
