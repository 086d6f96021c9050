import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { createIsolation } from '#src/hosts/isolation/isolation.ts';
import { planIsolation } from '#src/hosts/isolation/plan.ts';
import { probeAbilities } from '#src/hosts/isolation/probe.ts';
import { createPackageCache } from '#src/hosts/packages/package-cache.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { describeSandbox } from '#test/contract/hosts/sandbox.ts';
import { describeUncountedMemory } from '#test/contract/hosts/uncounted-memory.ts';
import { execute } from '#test/support/hosts/executions.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';
import { attacksIn } from '#test/support/hosts/sandboxed-host.ts';

const attacks = await attacksIn(runtimeUnderTest('custom'));

// The attacks of the tests for Node.js, in the program of a custom runtime.
describeSandbox(attacks);
describeUncountedMemory(attacks);

test('the attacks of this file run in a custom runtime', () => expect([attacks.runtime.id, attacks.file]).toEqual(['custom', 'bootstrap']));

const abilities = await probeAbilities(100_000);

test.skipIf(abilities.namespaces !== true)('each HTTP function of other projects has port 8000 of its own network', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sequent-http-'));
  chmodSync(folder, 0o711);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const server = readFileSync(fileURLToPath(new URL('../../support/programs/server.mjs', import.meta.url)));
  const bootstrap = `#!/bin/sh\nunset PORT\nexec '${process.execPath}' "$RUNTIME_CODE_ROOT/server.mjs"\n`;
  const archive = await writeZip([
    { path: 'bootstrap', content: Buffer.from(bootstrap), isExecutable: true },
    { path: 'server.mjs', content: server },
  ]);
  const uids: Readonly<Record<string, number>> = { a: 100_001, b: 100_002 };
  const isolation = { networkProjects: [], processProjects: [], uidOf: async (project: string) => uids[project] ?? 100_003 };
  const host = createProcessHost({
    packages: createPackageCache({ packages: { get: async () => archive }, folder }),
    isolation: createIsolation({ plan: planIsolation('require', abilities), ...isolation }),
  });
  onTestFinished(() => host.close());
  const answerOf = async (name: string) => {
    const handler = { kind: 'process', package: digestOf(archive), file: 'bootstrap', runtime: 'http', export: 'handler' };
    const result = await execute(host, functionDefinitionSchema.parse({ name, handler }), { name });
    if (result.kind !== 'returned') return result.failure.message;
    return JSON.parse(JSON.parse(result.payload).body) as { body: string; port: number };
  };
  for (const name of ['a=web', 'b=web', 'a=other'])
    expect(await answerOf(name)).toMatchObject({ port: 8_000, body: JSON.stringify({ name }) });
});
