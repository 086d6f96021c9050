import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The path of a file that a handler may write, removed after the test. */
export function scratchFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sequent-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'scratch');
}
