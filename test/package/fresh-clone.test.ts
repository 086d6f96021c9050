import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { isBuildCurrent } from '#src/main/clone-build.mjs';
import { findOnPath } from '#src/main/find-on-path.mjs';
import { chosenServer } from '#test/support/cli/passed-on.ts';
import { type Clone, cloneRepository, npmStart, npxSequent, shellIn } from '#test/support/cli/processes/npm-start.ts';
import { documentedScript } from '#test/support/documented-commands.ts';
import { sharedTest } from '#test/support/fixtures.ts';
import { freePort } from '#test/support/free-port.ts';

/** The tests share a clone, so that its packages are installed once. */
const test = sharedTest.extend('clone', { scope: 'file' }, async ({ folder }) => {
  await cloneRepository(folder);
  return folder;
});
/** The summary of a command, which its help prints. */
const SUMMARY = 'execute a handler file once in this terminal';
const greet = ['invoke', 'hello', '-d', '{"name":"Ada"}', '--wait'];

test('the words of the README send a success to an HTTP receiver on a plain "npm start"', {
  timeout: 400_000,
}, async ({ clone: folder }) => {
  const started = await npmStart({ folder });
  expect(await shellIn({ folder }, documentedScript('README.md', 'Write a function'))).toContain('{"hello":"Ada","attempt":1}');
  // The documented port may be taken on this machine.
  const [receiving = '', ...others] = documentedScript('README.md', 'Add a destination')
    .replaceAll('9000', String(await freePort()))
    .split('\n');
  const receiver = spawn('sh', ['-c', `exec ${receiving}`], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(receiver, 'close');
  let received = '';
  receiver.stdout.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  await shellIn({ folder }, others.join('\n'));
  await expect.poll(() => received, { timeout: 120_000 }).toMatch(/\}\s*$/);
  receiver.kill();
  await closed;
  expect(JSON.parse(JSON.parse(received).response_payload)).toEqual({ hello: 'Ada', attempt: 1 });
  expect(await started.stop()).toBe(0);
});

test('commands of a clone start from its build, until a source changes', { timeout: 400_000 }, async ({ clone: folder }) => {
  const started = await npmStart({ folder });
  await shellIn({ folder }, 'npm run --silent build');
  expect(isBuildCurrent(folder)).toBe(true);
  expect(await npxSequent({ folder }, ['functions', 'ls'])).toContain('hello');
  const table = join(folder, 'src/cli/command-table.ts');
  writeFileSync(table, readFileSync(table, 'utf8').replace(SUMMARY, 'execute a changed sentence'));
  expect(await npxSequent({ folder }, ['--help'])).toContain('execute a changed sentence');
  expect(await started.stop()).toBe(0);
  expect(await shellIn({ folder }, 'git checkout --quiet src && git status --porcelain --untracked-files=no')).toBe('');
});

const NOBODY = 65_534;
const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
/** In a user namespace that allows no further ones, and without rights in it: as on a machine that forbids user namespaces. */
const withoutNamespaces = [
  ...asNobody,
  ...['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c'],
  'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all "$@"',
  'sh',
];
const isPossible = (command: readonly string[]): boolean => spawnSync(command[0] ?? '', command.slice(1)).status === 0;

describe('an ordinary user', () => {
  test.for([
    {
      machine: 'with user namespaces',
      as: asNobody,
      needs: [...asNobody, 'unshare', '--user', 'true'],
      isolation: /isolation +namespaces: /,
    },
    {
      machine: 'without user namespaces',
      as: withoutNamespaces,
      needs: [...withoutNamespaces, 'true'],
      isolation: /isolation +missing: code of other projects is refused/,
    },
  ])(
    'on a machine $machine runs both commands, and isolation is reported',
    { timeout: 120_000 },
    async ({ as, needs, isolation }, { clone: folder, skip }) => {
      skip(process.getuid?.() !== 0 || !isPossible(needs), 'only root can become an ordinary user here');
      const user = ownedByNobody(folder, as);
      const started = await npmStart(user);
      expect(JSON.parse(await npxSequent(user, greet))).toMatchObject({ greeting: 'Hello, Ada!' });
      expect(await npxSequent(user, ['doctor'])).toMatch(isolation);
      expect(statSync(join(folder, '.sequent')).uid).toBe(NOBODY);
      expect(await started.stop()).toBe(0);
    },
  );
});

/** Gives the clone to an ordinary user, without the data of the user before, and with a nats-server that this user can execute. */
function ownedByNobody(folder: string, as: readonly string[]): Clone {
  const home = join(folder, '.home');
  const server = join(folder, '.home', 'nats-server');
  rmSync(join(folder, '.sequent'), { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  copyFileSync(chosenServer.NATS_SERVER_BIN ?? findOnPath('nats-server') ?? '', server);
  chmodSync(server, 0o755);
  expect(spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, folder]).status).toBe(0);
  return { folder, as, env: { HOME: home, NATS_SERVER_BIN: server } };
}
