import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VERSION } from '#src/client/version.ts';
import { recordHistories } from '#test/support/histories/record-histories.ts';

/*
 * npm run record-histories
 *
 * Runs invocations of every kind on a Sequent of this version, and records their histories in test/histories/<version>. Run it at a release,
 * and commit the folder. Every later version must read the folder (test/unit/repository/histories.test.ts), so the folder is never changed.
 */

const folder = fileURLToPath(new URL(VERSION.replace(/-dev\..*$/, ''), import.meta.url));
if (existsSync(folder)) {
  process.stderr.write(`${folder} exists: the histories of ${VERSION} are recorded. Raise the version in package.json first.\n`);
  process.exitCode = 1;
} else {
  for (const file of await recordHistories(folder)) process.stdout.write(`${file}\n`);
}
