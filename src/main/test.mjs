import { spawnSync } from 'node:child_process';
import { bootstrap } from './bootstrap.mjs';
import { findOnPath } from './find-on-path.mjs';

// `npm test`: all tests, or those that vitest's arguments name. The tests fetch nats-server themselves when they need it.

/** What some tests are made against: whether it is there, and Debian's names for it. */
const tools = [
  { isThere: () => findOnPath('chromium') !== undefined, packages: ['chromium'] },
  // It imports all that it needs before it reads its arguments.
  {
    isThere: () => spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0,
    packages: ['python3-moto', 'python3-flask-cors'],
  },
  { isThere: () => findOnPath('openssl') !== undefined, packages: ['openssl'] },
];

bootstrap();
installTools();
process.argv.splice(2, Infinity, 'run', ...process.argv.slice(2));
await import('../../node_modules/vitest/vitest.mjs');

/** Installs what is missing where that is ours to do: as root, on a system of Debian's. Says what is missing still. */
function installTools() {
  let missing = missingTools();
  if (missing.length > 0 && process.getuid?.() === 0 && findOnPath('apt-get') !== undefined) {
    const install = ['install', '-y', '--no-install-recommends', ...missing];
    say(`the tests need more than npm installs; running "apt-get ${install.join(' ')}"`);
    const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['-qq', ...install], options);
    missing = missingTools();
  }
  const names = missing.join(' ');
  if (names !== '') say(`some tests will fail: they need ${names} (Debian's names; as root: apt-get install ${names})`);
}

function missingTools() {
  return tools.flatMap(({ isThere, packages }) => (isThere() ? [] : packages));
}

function say(what) {
  process.stderr.write(`sequent: ${what}\n`);
}
