import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { bootstrap } from './bootstrap.mjs';

// `npm test`: all tests, or those that vitest's arguments name. The tests fetch nats-server themselves when they need it.

/** What some tests are made against, by Debian's names for it. */
const tools = {
  '/usr/bin/chromium': ['chromium'],
  '/usr/bin/moto_server': ['python3-moto', 'python3-flask-cors'],
  '/usr/bin/openssl': ['openssl'],
};

bootstrap();
installTools();
process.argv.splice(2, Infinity, 'run', ...process.argv.slice(2));
await import('../../node_modules/vitest/vitest.mjs');

/** Installs what is missing where that is ours to do: as root, on a system of Debian's. Else says what to install. */
function installTools() {
  const missing = Object.entries(tools).flatMap(([path, packages]) => (existsSync(path) ? [] : packages));
  if (missing.length === 0) return;
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    process.stderr.write(`sequent: some tests need more than npm installs, and will fail without it: apt-get ${install.join(' ')}\n`);
    return;
  }
  process.stderr.write(`sequent: the tests need more than npm installs; running "apt-get ${install.join(' ')}"\n`);
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-qq'], options);
  spawnSync('apt-get', ['-qq', ...install], options);
}
