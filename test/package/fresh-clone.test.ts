import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { findOnPath } from '#src/main/find-on-path.mjs';
import { chosenServer } from '#test/support/cli/passed-on.ts';
import {
  type Clone,
  cloneRepository,
  givePackages,
  givePages,
  npmStart,
  npxSequent,
  shellIn,
} from '#test/support/cli/processes/npm-start.ts';
import { documentedCommands } from '#test/support/documented-commands.ts';
import { sharedTest } from '#test/support/fixtures.ts';
import { followReadme } from '#test/support/package/readme-steps.ts';
import { UNTIL_ALL_ANSWER } from '#test/support/role-answers.ts';

/** The tests share a clone. `test/timed/fresh-start.test.ts` has one that installs its packages and builds its pages. */
const test = sharedTest.extend('clone', { scope: 'file' }, async ({ folder }) => {
  await cloneRepository(folder);
  await givePackages(folder);
  await givePages(folder);
  return folder;
});
/** The second of the two commands of README. The first one starts the clone. */
const [greet = []] = documentedCommands('README.md', 'Two commands');

test('the words of the README send a success to an HTTP receiver on a plain "npm start"', {
  timeout: 400_000,
}, async ({ clone: folder }) => {
  const started = await npmStart({ folder });
  await followReadme({ folder, shell: async (script) => await shellIn({ folder }, script) });
  expect(await started.stop()).toBe(0);
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
    { timeout: 240_000 },
    async ({ as, needs, isolation }, { clone: folder, skip }) => {
      skip(process.getuid?.() !== 0 || !isPossible(needs), 'only root can become an ordinary user here');
      const user = ownedByNobody(folder, as);
      const started = await npmStart(user);
      expect(JSON.parse(await npxSequent(user, greet))).toMatchObject({ greeting: 'Hello, Ada!' });
      await expect.poll(() => npxSequent(user, ['doctor']), UNTIL_ALL_ANSWER).toMatch(isolation);
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
