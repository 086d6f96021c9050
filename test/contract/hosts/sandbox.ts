import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { hasPermissionModel } from '#src/hosts/isolation/node-permissions.ts';
import type { Abilities } from '#src/hosts/isolation/plan.ts';
import { probeAbilities } from '#src/hosts/isolation/probe.ts';
import { sandboxCommand } from '#src/hosts/isolation/sandbox-command.ts';
import { execute, until } from '#test/support/hosts/executions.ts';
import { type Attacks, processesWith } from '#test/support/hosts/sandboxed-host.ts';

const found: Abilities = await probeAbilities(100_000);
/** Each level on this machine: with everything that it offers, and as if it had no namespaces. */
const levels: { level: string; abilities: Abilities; available: boolean }[] = [
  { level: 'namespaces', abilities: found, available: found.namespaces === true },
  { level: 'user', abilities: { ...found, namespaces: 'not used in this test' }, available: found.isRoot && found.otherUsers === true },
];

const NOBODY = 65_534;
const namespaces = ['--user', '--map-root-user', '--pid', '--fork', '--mount', '--ipc', '--uts', '--net', 'true'];

/** What the code of another project can do from its sandbox. */
export function describeSandbox(attacks: Attacks): void {
  const { runtime, digest, file, unpacked, attack, openSandboxedHost } = attacks;
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sequent-sandbox-'));
    chmodSync(folder, 0o711);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let host: FunctionHost | undefined;
  afterEach(() => host?.close());

  for (const { level, abilities, available } of levels)
    describe.skipIf(!available)(`code of another project, isolated by '${level}'`, () => {
      const open = (networkProjects: string[] = []): FunctionHost => {
        host = openSandboxedHost({ mode: 'prefer', abilities, folder, networkProjects });
        return host;
      };
      const isRefused = expect.stringMatching(/^(ENOENT|EACCES|EROFS)$/);

      test('reads neither the environment of the worker, nor a file that is private to it', async () => {
        const secret = join(folder, 'credentials.json');
        writeFileSync(secret, 'secret', { mode: 0o600 });
        const opened = open();
        expect(await run(opened, attack('read'), { path: `/proc/${process.pid}/environ` })).toEqual(isRefused);
        expect(await run(opened, attack('read'), { path: secret })).toEqual(isRefused);
      });

      test('changes neither its own code nor that of another project', async () => {
        const opened = open();
        expect(await run(opened, attack('writeOwnFolder', {}, 'a='))).toBe('written');
        expect(await run(opened, attack('write'), { path: join(folder, digest, file) })).toEqual(isRefused);
        expect(await run(opened, attack('writeOwnCode'))).toEqual(isRefused);
        expect(await run(opened, attack('list'), { path: folder })).toEqual(level === 'user' ? 'EACCES' : [digest]);
      });

      test('gets its user data and nothing of the worker in its environment, and no rights', async () => {
        const definition = attack('identity', { userData: { COLOUR: 'red', LD_PRELOAD: '/tmp/hostile.so' } });
        const identity = await run(open(), definition);
        const time = process.env.TZ === undefined ? [] : ['TZ'];
        expect(identity).toMatchObject({
          colour: 'red',
          env: ['COLOUR', 'HOME', 'LD_PRELOAD', 'PATH', 'TMPDIR', ...time, ...runtime.addedVariables].sort(),
        });
        expect(identity).toMatchObject({ uid: abilities.isRoot ? 100_002 : 0 });
        expect(await run(host as FunctionHost, attack('read'), { path: '/proc/self/status' })).toMatch(
          /^CapPrm:\t0+\n(?:.*\n)*CapBnd:\t0+\n(?:.*\n)*NoNewPrivs:\t1$/m,
        );
      });

      test('leaves no process behind, also not one in a session of its own', async () => {
        const marker = newMarker();
        const opened = open();
        expect(await run(opened, attack('leaveBehind'), { marker })).toBe('left');
        await until(() => processesWith(marker) === 1, 'the process runs');
        expect(await run(opened, attack('exit'), { code: 3 })).toBe('function process exited with code 3');
        await opened.close();
        await until(() => processesWith(marker) === 0, 'the process is gone');
      });

      test('is ended with its descendants for the memory of a grandchild', async () => {
        const marker = newMarker();
        const ended = run(open(), attack('useMemoryBelow', { memoryInMb: 128 }), { megabytes: 400, marker });
        expect(await ended).toBe('runtime memory limit exceeded: the function may use 128 MB');
      });

      test.skipIf(found.filter !== true)(
        'gets no namespaces, mounts, anonymous files or shared memory, which no limit counts',
        async () => {
          const opened = open();
          const call = (number: number, ...args: string[]) =>
            run(opened, attack('program'), {
              command: 'perl',
              args: ['-e', `print syscall(${[number, ...args].join(', ')}) < 0 ? 0 + $! : "done"`],
            });
          const errors = { refused: { status: 0, output: '1' } };
          const numbers =
            process.arch === 'x64'
              ? { memfd: 319, shmget: 29, msgget: 68, unshare: 272 }
              : { memfd: 279, shmget: 194, msgget: 186, unshare: 97 };
          expect(await call(numbers.memfd, '$0', '0')).toEqual(errors.refused);
          expect(await call(numbers.shmget, '0', '1 << 20', '01600')).toEqual(errors.refused);
          expect(await call(numbers.msgget, '0', '01600')).toEqual(errors.refused);
          expect(await call(numbers.unshare, '0x10000000')).toEqual(errors.refused);
          const mounted = await run(opened, attack('program'), {
            command: 'unshare',
            args: ['--user', '--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'x', '/tmp'],
          });
          expect(mounted).toMatchObject({ status: 1, output: expect.stringContaining('Operation not permitted') });
          const forked = await run(opened, attack('program'), { command: 'sh', args: ['-c', 'echo child | cat'] });
          expect(forked).toEqual({ status: 0, output: 'child\n' });
        },
      );

      test.skipIf(level !== 'namespaces')('gets no System V segment also where system calls are not filtered', async () => {
        host = openSandboxedHost({ mode: 'prefer', abilities: { ...abilities, filter: 'not used in this test' }, folder });
        const number = process.arch === 'x64' ? 29 : 194;
        const args = ['-e', `print syscall(${number}, 0, 1 << 20, 01600) < 0 ? 0 + $! : "done"`];
        // ENOSPC: the limit of the namespace is 0.
        expect(await run(host, attack('program'), { command: 'perl', args })).toEqual({ status: 0, output: '28' });
      });

      test.skipIf(level !== 'namespaces')('is ended for the memory of its files in /tmp and of its process together', async () => {
        const ended = run(open(), attack('fillOwnFolder', { memoryInMb: 128 }), { megabytes: 120, held: 100 });
        expect(await ended).toBe('runtime memory limit exceeded: the function may use 128 MB');
      });

      test('is ended with its descendants when it starts 400 processes', async () => {
        const marker = newMarker();
        const ended = run(open(), attack('spawnMany'), { count: 400, marker });
        expect(await ended).toBe('function process was ended because it had more than 64 processes');
        await until(() => processesWith(marker) === 0, 'the processes are gone');
      });
    });

  test.skipIf(found.namespaces !== true)('a user namespace of the sandbox has no further one in it, also without a filter', () => {
    const directory = mkdtempSync(join(folder, 'nested-'));
    const nested = (level: string): string | undefined => {
      const sandbox = { level: 'namespaces', uid: undefined, hasNetwork: false } as const;
      const { command, args } = sandboxCommand(sandbox, {
        directory,
        memoryInMb: 1,
        readable: [],
        command: 'unshare',
        args: [level, 'true'],
      });
      return spawnSync(command, args, { encoding: 'utf8', timeout: 15_000 }).stderr.trim().split('\n')[0];
    };
    expect(nested('--user')).toContain('No space left on device');
  });

  describe.skipIf(found.namespaces !== true)('the network of a sandbox', () => {
    test('is empty, unless the operator gives its project that of the machine', async () => {
      const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
      await until(() => server.listening, 'the server listens');
      const { port } = server.address() as { port: number };
      host = openSandboxedHost({ mode: 'require', abilities: found, folder, networkProjects: ['a'] });
      expect(await run(host, attack('connect'), { port })).toMatch(/^E(NETUNREACH|CONNREFUSED|ADDRNOTAVAIL)$/);
      expect(await run(host, attack('connect', {}, 'a='), { port })).toBe('connected');
      server.close();
    });
  });

  describe.skipIf(found.namespaces !== true || !hasPermissionModel || runtime.id !== 'nodejs')(
    "Node's permission model in the sandbox",
    () => {
      test('refuses processes and foreign files, unless the operator lets its project start processes', async () => {
        host = openSandboxedHost({ mode: 'require', abilities: found, folder, processProjects: ['a'] });
        const marker = newMarker();
        expect(await run(host, attack('leaveBehind'), { marker })).toContain('Access to this API has been restricted');
        expect(await run(host, attack('read'), { path: '/etc/ld.so.cache' })).toBe('ERR_ACCESS_DENIED');
        expect(await run(host, attack('list'), { path: join(folder, digest) })).toEqual(['index.mjs', 'package.json']);
        expect(await run(host, attack('writeOwnFolder'))).toBe('written');
        expect(await run(host, attack('leaveBehind', {}, 'a='), { marker })).toBe('left');
        expect(await run(host, attack('list', {}, 'a='), { path: '/' })).toContain('usr');
      });
    },
  );

  describe.skipIf(!found.isRoot || runAsNobody('unshare', namespaces).status !== 0)(
    'the sandbox of a worker that an ordinary user started',
    () => {
      test('hides the files of the user, other processes and the network, and gives no rights', () => {
        const directory = join(folder, 'nobody');
        const secret = join(folder, 'secret-of-nobody');
        mkdirSync(directory);
        writeFileSync(secret, 'the secret', { mode: 0o600 });
        for (const path of [directory, secret]) chownSync(path, NOBODY, NOBODY);
        expect(runAsNobody('cat', [secret]).output).toBe('the secret');
        const script =
          'cat "$1"; grep -E "^(CapPrm|CapBnd|NoNewPrivs):" /proc/self/status; ls -d /proc/[0-9]* | wc -l; tail -n +3 /proc/net/dev';
        const { command, args } = sandboxCommand(
          { level: 'namespaces', uid: undefined, hasNetwork: false },
          { directory, memoryInMb: 16, readable: [], command: 'sh', args: ['-c', script, 'sh', secret] },
        );
        const { output } = runAsNobody(command, args);
        expect(output).toMatch(/CapPrm:\t0+\nCapBnd:\t0+\nNoNewPrivs:\t1\n\d\n/);
        expect(output).toContain('No such file or directory');
        expect(output).not.toMatch(/the secret|^ *(?:eth|en|veth|wl)\w*:/m);
      });
    },
  );

  describe('a machine that cannot isolate', () => {
    const abilities: Abilities = {
      isRoot: false,
      namespaces: 'unshare: Operation not permitted',
      otherUsers: 'not root',
      filter: 'there is no sandbox',
    };

    test('refuses code of other projects with what is missing, and runs code of the own one', async () => {
      host = openSandboxedHost({ mode: 'require', abilities, folder });
      expect(await run(host, attack('identity'))).toMatch(
        /^this worker cannot isolate .*unshare: Operation not permitted.* --isolation prefer$/,
      );
      expect(await run(host, runtime.processFunction({ export: 'pid' }))).toEqual(expect.any(Number));
    });

    test('runs code of other projects without isolation when the operator accepts it', async () => {
      host = openSandboxedHost({ mode: 'prefer', abilities, folder });
      expect(await run(host, attack('identity'))).toMatchObject({ uid: process.getuid?.() });
    });
  });

  describe('an unpacked package that was changed on the disk', () => {
    test('is unpacked again before a process runs it', async () => {
      const first = openSandboxedHost({ mode: 'none', abilities: found, folder });
      expect(await run(first, attack('writeOwnCode'))).toBe('written');
      await first.close();
      writeFileSync(join(folder, digest, 'further.mjs'), '');
      host = openSandboxedHost({ mode: 'none', abilities: found, folder });
      const files = await run(host, attack('list'), { path: join(folder, digest) });
      expect(new Set(files as string[])).toEqual(new Set(unpacked));
    });
  });
}

function newMarker(): string {
  return `98765${randomInt(1e9)}`;
}

/** The returned value, or the error that ended the execution. */
async function run(opened: FunctionHost, definition: FunctionDefinition, event?: unknown): Promise<unknown> {
  const result = await execute(opened, definition, event);
  return result.kind === 'returned' ? parsed(result.payload) : result.failure.message;
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return payload;
  }
}

/** Runs a command as an ordinary user. */
function runAsNobody(command: string, args: readonly string[]): { status: number | null; output: string } {
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const { status, stdout, stderr } = spawnSync('setpriv', [...user, command, ...args], { encoding: 'utf8', timeout: 15_000 });
  return { status, output: `${stdout}${stderr}` };
}
