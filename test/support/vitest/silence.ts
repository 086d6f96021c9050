import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach } from 'vitest';

/*
 * Sequent writes nothing to the console, and never makes Node warn that an emitter or a signal has too many listeners.
 * A test during which either happens fails.
 */

const broken: string[] = [];

for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
  console[method] = (...words: unknown[]) => void broken.push(`console.${method}(${words.map(String).join(', ')})`);
}

function onWarning({ name, message }: Error): void {
  if (name === 'MaxListenersExceededWarning') broken.push(message);
}

function expectSilence(): void {
  const found = broken.splice(0);
  if (found.length > 0) throw new Error(`something wrote to the console, or leaks listeners: ${found.join('; ')}`);
}

process.on('warning', onWarning);
afterEach(expectSilence);
afterAll(async () => {
  // Node emits a warning a turn after its cause.
  await nextTurn();
  process.off('warning', onWarning);
  expectSilence();
});
