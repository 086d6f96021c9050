import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import type { Receiver, Reply } from '#test/support/destinations/receiver.ts';
import { blocksOf, fileOf, root } from '#test/support/documents/blocks.ts';
import { folderOf, type Installed, openReader, outputOf } from '#test/support/documents/reader.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/*
 * The recipes of docs/recipes, docs/flow.md and docs/quotas.md: their files are written, and their commands run,
 * as a reader does it who installed the package.
 */

const recipes = join(root, 'docs/recipes');

/** The shop that the recipes call is gone, until its orders are redriven. */
const gone: Reply = (response, { body }) => void response.writeHead(repaired && body.includes('order-1') ? 200 : 410).end();
let repaired = false;

/** What the output of each command of a recipe must match, in the order of the commands. */
const expected: Readonly<Record<string, readonly RegExp[]>> = {
  'pager.md': [/pager is defined/, /charge is defined/, /./],
  'dead-letters.md': [
    ...[/dispatch is defined/, /"shipped":1/, /"shipped":2/],
    ...[/^order-1.*410.*^order-2/ms, /410/, /^order-1/m],
    ...[/order-1/, /order-2/, /no delivery was given up/],
  ],
  'large-orders.md': [
    ...[/desk is defined/, /order is defined/, /"total":120/, /"total":12/, /look at .*"total":120/],
    ...[/not sent to functiongraph-0: when response \$\.total greater 100 does not hold/, /only when|ONLY WHEN/i],
  ],
  'large-payloads.md': [/import is defined/, /^$/, /"rows":50000/, /stored:1\.1\d{6}\./, /-/, /import-1\.json/],
  'canary.md': [...[/price is defined/, /v1/, /prod/, /price is defined/, /v2/, /v2/, /price-4/], ...[/v1.*v2/s, /price-\d/, /prod/]],
  'nightly-report.md': [
    ...[/report is defined/, /nightly is stored; it fires next at/, /next +20.* 02:00:00 Europe\/Berlin/, /"orders":3/, /report.*notified/],
    ...[/the report of eu/, /it is paused/],
  ],
  '../flow.md': [
    ...[/ship is defined/, /ship-1/, /running on/, /ship-2/, /ship-3/, /"shipped":"bob"/],
    ...[/1 of 1 run for the key "ada"/, /ada +1 +1/],
    ...[/"shipped":"ada"/, /attempt 1/],
    ...[/mail is defined/, /mail-1/, /"mailed":"ada"/, /mail-2/, /mail-3/, /"mailed":"bob"/],
    ...[/1 start in 1 h for the key "ada", the next one at 20/, /mail is defined/, /"mailed":"ada"/, /for its rate, 1 in 1 h|deferred/],
    ...[
      /reindex is defined/,
      /reindex-1/,
      /reindex-2/,
      /debounce of the key "books"|runs as a part|runs together|part of reindex-2/,
      /"documents":\[1,2\]/,
      /"documents":\[1,2\]/,
      /debounced/,
    ],
    ...[/parcel is defined/, /parcel-1/, /parcel-2/, /parcel-3/, /"shipped":"bob"/],
    ...[/1 of the key "eve" is before it, the first one is parcel-1/, /"shipped":"eve"/, /first in, first out \(a retry holds its key\)/],
    ...[
      /page is defined/,
      /page-1/,
      /page-2/,
      /page-3/,
      /1 of 1 run over all workers; 1 with a higher priority is before it/,
      /"shipped":"bob"/,
    ],
    ...[/deferred .* until a slot is free/, /the most urgent first \(aging 1 min\)/],
  ],
  '../quotas.md': [
    ...[
      /order is defined/,
      /paused/,
      /at most 2 open invocations, at most 10 requests per second \(burst 20\)/,
      /request_id/,
      /request_id/,
    ],
    ...[/shop has 2 open invocations.*QUOTA_EXCEEDED/s, /shop .*at most 2 open/, /no quota/],
  ],
  'deploy-a-folder.md': [
    ...[/welcome is defined/, /welcomes is stored/, /written to shop: functions 1, schedules 1/, /"folder": "code\/welcome"/],
    ...[/nothing would change/, /^$/, /timeoutInMs: 10000 → 20000.*nothing was changed \(--plan\)/s],
    ...[/function welcome: changed\nschedule welcomes: unchanged/, /nothing had to be changed/, /timeout +20 s/],
  ],
  'remind-later.md': [
    ...[/remind is defined/, /cart-18/, /cart-18.*queued.*due 20/, /waits until 20.*due in 30 d|29 d/s, /cart-18/],
    ...[/cart-17/, /"reminded":17/],
  ],
  'from-functiongraph.md': [/orders is defined/, /request_?id/i, /order 4711 for orders/],
  'from-bullmq.md': [/cat\.png@80.*succeeded cat-80/s, /cat-80/],
  'from-lambda.md': [/checkout is defined/, /"id":"order-4711"/],
};

/** Runs every recipe with the package that is installed when the first of them starts. */
export function testRecipes(installed: () => Installed): void {
  const test = sharedByFile(() => openReader(installed(), gone, async () => []));
  describe.concurrent('the recipe', () => {
    test('list has an expectation for each file, and each is under 40 lines', ({ expect: check }) => {
      const own = Object.keys(expected).filter((name) => !name.startsWith('../'));
      check(own.sort()).toEqual(
        readdirSync(recipes)
          .filter((name) => name !== 'README.md')
          .sort(),
      );
      for (const recipe of own) check(readFileSync(join(recipes, recipe), 'utf8').trimEnd().split('\n').length, recipe).toBeLessThan(40);
    });

    for (const [recipe, outputs] of Object.entries(expected))
      test(`${recipe} does what it says`, { timeout: 400_000 }, async ({ sequent: opened, expect: check }) => {
        const blocks = blocksOf(join('docs/recipes', recipe));
        const folder = folderOf(opened, blocks);
        const scripts = blocks.filter((block) => block.language === 'sh' && fileOf(block) === undefined);
        const lines = scripts.flatMap(({ content }) => content.trim().split('\n')).filter((line) => !line.startsWith('npm install'));
        // The variables of a shell hold for its later commands.
        const prelude = lines.filter((line) => line.startsWith('eval '));
        const commands = lines.filter((line) => !line.startsWith('eval '));
        check(commands).toHaveLength(outputs.length);
        for (const [index, command] of commands.entries()) {
          if (command.includes('redrive order-1')) repaired = true;
          // A command that reads is repeated, because the read model follows the log.
          await check
            .poll(() => outputOf([...prelude, command].join('\n'), folder, opened), { timeout: 60_000, interval: 500, message: command })
            .toMatch(outputs[index] ?? /^$/);
        }
        if (recipe === 'pager.md')
          await check
            .poll(() => paged(opened.receiver), { timeout: 60_000 })
            .toMatch(/charge failed after 3 attempts.*card declined.*4711/s);
      });
  });
}

const paged = ({ received }: Receiver): string => received.map(({ body }) => (JSON.parse(body) as { text: string }).text).join('\n');
