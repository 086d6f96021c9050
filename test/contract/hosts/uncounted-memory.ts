import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { probeAbilities } from '#src/hosts/isolation/probe.ts';
import { sandboxFilesInMb, sandboxSocketsInMb } from '#src/hosts/isolation/process-tree.ts';
import { execute } from '#test/support/hosts/executions.ts';
import { memoryHolders } from '#test/support/hosts/memory-holders.ts';
import type { Attacks } from '#test/support/hosts/sandboxed-host.ts';

/* Without a cgroup, each way to hold memory is refused, or counted so that the function ends for it. */

const abilities = await probeAbilities(100_000);

/** The memory that a function can hold without its processes showing it. */
export function describeUncountedMemory(attacks: Attacks): void {
  const { attack, openSandboxedHost } = attacks;
  let folder: string;
  let host: FunctionHost | undefined;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sequent-uncounted-'));
    chmodSync(folder, 0o711);
  });
  afterEach(() => host?.close());
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.skipIf(abilities.namespaces !== true || abilities.filter !== true)('a function of 128 MB that would hold 400 MB', () => {
    test.for(memoryHolders(400))('is refused $way, or ends for it', { timeout: 60_000 }, async ({ program }) => {
      host = openSandboxedHost({ mode: 'require', abilities, folder });
      const result = await execute(host, attack('program', { memoryInMb: 128 }), { command: 'perl', args: ['-e', program] });
      const said = result.kind === 'returned' ? result.payload : result.failure.message;
      expect(said).toMatch(/"refused |runtime memory limit exceeded/);
    });
  });

  describe('a process that has not entered its sandbox yet', () => {
    test('counts with none of the sockets and files of the machine', async () => {
      const servers = Array.from({ length: 200 }, (_, index) => createServer().listen(`\0sequent-counted-${process.pid}-${index}`));
      await Promise.all(servers.map((server) => once(server, 'listening')));
      expect([sandboxSocketsInMb(process.pid), sandboxFilesInMb(process.pid)]).toEqual([0, 0]);
      for (const server of servers) server.close();
    });
  });
}
