import { join } from 'node:path';
import { build } from 'vitepress';
import { firstFilesOf, MAX_FIRST_LOAD, transferOf } from './first-load.ts';
import { docs } from './pages.ts';

/*
 * npm run site
 *
 * Builds the site of the documents into `dist-site`. A dead link is an error, and so are a page that cannot be rendered, and a home page
 * whose first load is too large.
 */

const site = join(docs, '../dist-site');

// Vue prints why it cannot render a page, and the build continues with an empty one.
const { error } = console;
console.error = (...words) => {
  error(...words);
  process.exitCode = 1;
};
await build(docs);
const files = firstFilesOf(site);
const bytes = transferOf(site, files);
process.stdout.write(`the first load of the home page transfers ${bytes} bytes in ${files.length} files, of at most ${MAX_FIRST_LOAD}\n`);
if (bytes > MAX_FIRST_LOAD) {
  process.stderr.write(
    `the first load of the home page is too large:\n${files.map((file) => `${transferOf(site, [file])} ${file}\n`).join('')}`,
  );
  process.exitCode = 1;
}
