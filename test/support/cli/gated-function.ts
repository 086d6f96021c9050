import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServedSequent } from './cli.ts';

const file = fileURLToPath(new URL('../web/content/scripted-function.mjs', import.meta.url));

/** What a test gives a gated function: its name, the folder of its gates, and further fields of its definition. */
type Gated = { name: string; gates: string } & Record<string, unknown>;

/**
 * Defines a function whose attempts wait for the gate that their event names (`scripted-function.mjs`). The returned function opens a gate,
 * so the test decides when an attempt ends.
 *
 * Each test needs a function of its own, because a worker reads a later definition only after a moment.
 */
export async function putGated({ run }: ServedSequent, { gates, ...facts }: Gated): Promise<(gate: string) => Promise<void>> {
  const definition = { handler: { kind: 'process', file }, timeoutInMs: 600_000, userData: { gates }, ...facts };
  const { code, stderr } = await run(['fn', 'put', '-'], { input: JSON.stringify(definition) });
  if (code !== 0) throw new Error(stderr);
  return async (gate) => await writeFile(join(gates, gate), '');
}
