import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createPythonFinder } from '#src/core/python/find-python.ts';
import { hasPython } from '#test/support/hosts/python.ts';

/** A folder of the path in which a program has this text. */
async function withProgram(name: string, text: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-python-'));
  await writeFile(join(folder, name), text);
  await chmod(join(folder, name), 0o755);
  vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });
}

test.skipIf(!hasPython)('a named Python that does not run, as of a manager of versions, is replaced by python3', async () => {
  await withProgram('python3.77', '#!/bin/sh\necho "python3.77: command not found" >&2\nexit 127\n');
  const finder = createPythonFinder();
  expect(await finder.find('python3.77')).toEqual(await finder.find('python3'));
});

test.skipIf(!hasPython)('a named Python that runs goes before python3', async () => {
  const { command } = await createPythonFinder().find('python3');
  await withProgram('python3.78', `#!/bin/sh\nif [ "$2" = -c ]; then echo 3 78; echo "$0"; echo /usr; else exec ${command} "$@"; fi\n`);
  expect(await createPythonFinder().find('python3.78')).toMatchObject({ command: expect.stringMatching(/python3\.78$/), version: '3.78' });
});
