import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe } from 'vitest';
import { runCli, serveSequent } from '#test/support/cli/cli.ts';
import { BUILT, commandLine } from '#test/support/cli/command-line.ts';
import { openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { argumentsOf } from '#test/support/documented-commands.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* The recipes of docs/recipes, docs/flow.md and docs/quotas.md: their files are written, and their commands run, as a reader does it. */

const recipes = fileURLToPath(new URL('../../docs/recipes/', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Sequent, and the receivers that the recipes call: of Slack, and of a shop that is gone. */
async function open() {
  const slack = await openReceiver();
  const gone = await openReceiver((response, { body }) => void response.writeHead(repaired && body.includes('order-1') ? 200 : 410).end());
  // As a reader who runs `npm start` in a folder, and copies a recipe into a folder below.
  const home = mkdtempSync(join(tmpdir(), 'sequent-recipes-'));
  const sequent = await serveSequent(['--http-port', '0'], join(home, '.sequent'));
  return {
    sequent,
    slack,
    gone,
    home,
    async [Symbol.asyncDispose]() {
      for (const part of [sequent, gone, slack]) await part[Symbol.asyncDispose]();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
let repaired = false;
const test = sharedByFile(open);
type Opened = Awaited<ReturnType<typeof open>>;

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
    ...[/greet is defined/, /greet-1/, /"greeted":"ada"/, /greet-2/, /greet-3/, /"greeted":"bob"/],
    ...[/1 start in 1 h for the key "ada", the next one at 20/, /greet is defined/, /"greeted":"ada"/, /for its rate, 1 in 1 h|deferred/],
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
    ...[/welcome is defined/, /welcomes is stored/, /1 functions and 1 schedules written to shop/, /"folder": "code\/welcome"/],
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

type Block = { language: string; content: string };

function blocksOf(recipe: string): Block[] {
  const text = readFileSync(join(recipes, recipe), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', content = '']) => ({ language, content }));
}

/** The file that a block is, by the comment in its first line; `undefined` for commands. */
function fileOf({ content }: Block): string | undefined {
  return /^(?:\/\/|#) ([\w./-]+\.\w+)\n/.exec(content)?.[1];
}

/** A folder as a reader has it: the files of a recipe, and what the recipe's `npm install` installs. */
function prepare(folder: string, blocks: readonly Block[]): void {
  for (const block of blocks) {
    const file = fileOf(block);
    if (file === undefined) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), block.content);
  }
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'sequent-functions'), { recursive: true });
  symlinkSync(join(root, 'node_modules/@huaweicloud'), join(modules, '@huaweicloud'));
  // A project of today has ES modules, also where a recipe has a CommonJS file in a folder of its own.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'recipe', type: 'module' }));
  symlinkSync(process.env[BUILT] ?? '', join(modules, 'sequent-functions/dist'));
  writeFileSync(
    join(modules, 'sequent-functions/package.json'),
    JSON.stringify({ exports: { './client': './dist/src/client/client.js' } }),
  );
  const installed = ['#!/bin/sh', `exec "${process.execPath}" ${commandLine().join(' ')} "$@"`, ''].join('\n');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/sequent'), installed, { mode: 0o755 });
}

const run = promisify(execFile);

/** A command without anything that only a shell understands, apart from single quotes. */
const plainCommand = /^sequent (?:'[^']*'|[\w\s=:.,@/!-])*$/;

/**
 * Runs a command as the reader types it: in a shell, or in this process when no shell is needed. The environment has no address and no key:
 * commands find the server, and programs get it from `sequent env`.
 */
async function outputOf(command: string, folder: string, { sequent, slack, gone, home }: Opened): Promise<string> {
  const env = {
    PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: home,
    // The gateway of a test listens on no fixed port.
    SEQUENT_HTTP: /http (http:\S+)/.exec(sequent.output.stdout)?.[1] ?? '',
    SLACK_URL: slack.url,
    RECEIVER_URL: `${gone.url}/shipped`,
  };
  const { stdout, stderr } = plainCommand.test(command)
    ? await runCli(argumentsOf(command.replace(/^sequent /, '')), { cwd: folder, env })
    : await run('bash', ['-ec', command], { cwd: folder, env }).catch((error: { stdout: string; stderr: string }) => error);
  return stdout + stderr;
}

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
      const blocks = blocksOf(recipe);
      const folder = mkdtempSync(join(opened.home, 'recipe-'));
      prepare(folder, blocks);
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
          .poll(() => outputOf([...prelude, command].join('\n'), folder, opened), { timeout: 60_000, message: command })
          .toMatch(outputs[index] ?? /^$/);
      }
      if (recipe === 'pager.md')
        await check.poll(() => paged(opened.slack), { timeout: 60_000 }).toMatch(/charge failed after 3 attempts.*card declined.*4711/s);
    });
});

const paged = ({ received }: Receiver): string => received.map(({ body }) => (JSON.parse(body) as { text: string }).text).join('\n');
