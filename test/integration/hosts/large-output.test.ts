import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { readRedaction } from '#src/main/roles/threads/redaction.ts';
import { test } from '#test/support/fixtures.ts';
import { execute, processFunction } from '#test/support/hosts/executions.ts';

const MEGABYTE = 1_048_576;
const definition = processFunction({ name: 'prints-much', export: 'printRepeated', maxOutputBytes: 4 * MEGABYTE });

describe('the secrets of an output of megabytes', () => {
  test('are hidden in another thread, also by own patterns', async ({ folder }) => {
    const file = join(folder, 'patterns');
    await writeFile(file, 'card-\\d{4}\n');
    const redaction = await readRedaction(file);
    const atOnce: number[] = [];
    const redact = (text: string): string => {
      atOnce.push(text.length);
      return redaction?.redact(text) ?? text;
    };
    const host = createProcessHost({ redact, redactLarge: redaction?.redactLarge });
    onTestFinished(() => host.close());
    const line = 'password=hunter2 card-4711 -eyJ-eyJ-eyJ\n';
    const count = Math.floor((2 * MEGABYTE) / line.length);
    const result = await execute(host, definition, { text: line, count });
    expect(result).toMatchObject({ kind: 'returned', payload: 'printed' });
    expect(result.wholeOutput?.text).toBe('password=[redacted] [redacted] -eyJ-eyJ-eyJ\n'.repeat(count));
    expect(result.output).toHaveLength(4_096);
    expect(atOnce).toEqual([]);
    expect(await execute(host, definition, { text: line, count: 1 })).toMatchObject({
      output: 'password=[redacted] [redacted] -eyJ-eyJ-eyJ\n',
    });
  });

  test('are hidden in this thread when the other one fails', async () => {
    const host = createProcessHost({
      redact: (text) => text.replaceAll('hunter2', '[redacted]'),
      redactLarge: () => Promise.reject(new Error('no memory')),
    });
    onTestFinished(() => host.close());
    const result = await execute(host, definition, { text: 'password=hunter2\n', count: 10_000 });
    expect(result.wholeOutput?.text).toBe('password=[redacted]\n'.repeat(10_000));
  });
});
