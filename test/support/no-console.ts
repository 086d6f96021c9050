import { afterAll, afterEach } from 'vitest';

/*
 * Nothing in Sequent writes to the console: a test in which something did has found a mistake, and fails.
 */

const printed: string[] = [];

for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
  console[method] = (...words: unknown[]) => void printed.push(`console.${method}(${words.map(String).join(', ')})`);
}

function expectSilence(): void {
  const lines = printed.splice(0);
  if (lines.length > 0) throw new Error(`something wrote to the console: ${lines.join('; ')}`);
}

afterEach(expectSilence);
afterAll(expectSilence);
