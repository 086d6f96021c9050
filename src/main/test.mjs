import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { bootstrap } from './bootstrap.mjs';

// `npm test`: all tests, or those that vitest's arguments name. The tests fetch nats-server themselves when they need it.

/** What some tests are made against: where it lies, and Debian's name for it. */
const tools = {
  '/usr/bin/chromium': 'chromium',
  '/usr/bin/moto_server': 'python3-moto',
  '/usr/lib/python3/dist-packages/flask_cors': 'python3-flask-cors',
  '/usr/bin/openssl': 'openssl',
};

bootstrap();
installTools();
process.argv.splice(2, Infinity, 'run', ...process.argv.slice(2));
await import('../../node_modules/vitest/vitest.mjs');

/** Installs what is missing where that is ours to do: as root, on a system of Debian's. Says what is missing still. */
function installTools() {
  if (missingTools().length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const install = ['install', '-y', '--no-install-recommends', ...missingTools()];
    say(`the tests need more than npm installs; running "apt-get ${install.join(' ')}"`);
    const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['-qq', ...install], options);
  }
  const missing = missingTools().join(' ');
  if (missing !== '') say(`some tests will fail: they need ${missing} (Debian's names; as root: apt-get install ${missing})`);
}

function missingTools() {
  return Object.entries(tools).flatMap(([path, name]) => (existsSync(path) ? [] : [name]));
}

function say(what) {
  process.stderr.write(`sequent: ${what}\n`);
}
