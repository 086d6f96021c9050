import { Buffer } from 'buffer/';

/* Node's globals that the roles use, for the browser. `bundle.ts` puts them in the place of the globals. */

/** A turn of the event loop, in the order of the calls, as Node's. A timer of the browser would take 4 ms. */
const turns = new MessageChannel();
const waiting: (() => void)[] = [];
turns.port1.onmessage = () => waiting.shift()?.();

export function setImmediate(callback: () => void): void {
  waiting.push(callback);
  turns.port2.postMessage(undefined);
}

// Not every browser has explicit resource management.
if (Symbol.asyncDispose === undefined) Object.defineProperty(Symbol, 'asyncDispose', { value: Symbol.for('Symbol.asyncDispose') });

export { Buffer };
