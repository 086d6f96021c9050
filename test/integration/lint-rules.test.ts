import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const checkout = new URL('../..', import.meta.url).pathname;
const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');

const imports = 'lint/style/noRestrictedImports';
const globals = 'lint/style/noRestrictedGlobals';

/** A folder, a line of a file in it, and the rule that refuses the line. */
const refused = [
  ['machines', "import { readFileSync } from 'node:fs';", imports],
  ['machines', "import { connect } from 'nats';", imports],
  ['machines', "import { streamOf } from '#src/core/names/ids.ts';", imports],
  ['machines', "import { streamOf } from '../src/core/names/ids.ts';", imports],
  ['machines', 'export const at = Date.now();', globals],
  ['machines', 'export const at = new Date();', globals],
  ['machines', 'export const id = crypto.randomUUID();', globals],
  ['machines', 'export const { env } = process;', globals],
  ['machines', 'setTimeout(() => {}, 1);', globals],
  ['machines', "await fetch('http://x');", globals],
  ['machines', 'export const chance = Math.random();', 'plugin'],
  ['machines', 'export const chance = Math.random;', 'plugin'],
  ['machines', "export const chance = Math['random']();", 'plugin'],
  ['machines', 'export const { random } = Math;', 'plugin'],
  ['src/core', "import pino from 'pino';", imports],
  ['src/core', "import { openConnection } from '#src/nats/transport/connection/connection.ts';", imports],
  ['src/core', "import { openConnection } from '../nats/connection.ts';", imports],
  ['src/worker', "import { connect } from 'nats';", imports],
  ['src/worker', "import { openConnection } from '#src/nats/transport/connection/connection.ts';", imports],
  ['src/functions', "import { openConnection } from '#src/nats/transport/connection/connection.ts';", imports],
  ['src/scheduler', "import { readConfiguration } from '#src/main/config/configuration.ts';", imports],
  ['src/scheduler', "import { startWorker } from '#src/worker/worker.ts';", imports],
  ['src/hosts', "import { startWorker } from '../worker/worker.ts';", imports],
  ['src/archive', "import { createFolder } from '#src/projection/fold/fold.ts';", imports],
  ['src/tracing', "import { startWorker } from '#src/worker/worker.ts';", imports],
  ['src/web', "import { connectClient } from '#src/client/client.ts';", imports],
  ['src/web', "import { readFileSync } from 'node:fs';", imports],
  ['src/cli', "import { connect } from 'nats';", imports],
  ['src/main', "import { connect } from 'nats';", imports],
  ['src/client', "console.log('x');", 'lint/suspicious/noConsole'],
  ['src/client', 'export default 1;', 'lint/style/noDefaultExport'],
  ['src/client', 'async function f() {}\nf();', 'lint/nursery/noFloatingPromises'],
  ['src/worker', 'export const limit = (stop) => AbortSignal.any([stop, AbortSignal.timeout(50)]);', 'plugin'],
] as const;

const accepted = [
  ['machines', "import { setup } from 'xstate';\nimport { z } from 'zod';\nimport { canTryAgain } from './retry.ts';"],
  ['src/core', "import { setTimeout } from 'node:timers/promises';\nimport { z } from 'zod';\nimport { streamOf } from './ids.ts';"],
  ['src/core', "import { canTryAgain } from '#machines/retry.ts';"],
  [
    'src/worker',
    "import { streamOf } from '#src/core/names/ids.ts';\nimport { fork } from 'node:child_process';\nimport { slots } from './slots.ts';",
  ],
  ['src/nats', "import { connect } from 'nats';"],
  [
    'src/web',
    "import type { EventView } from '#src/gateway/api/invocations/invocation-schemas.ts';\nimport { canTryAgain } from '#machines/retry.ts';",
  ],
  ['src/cli', "import { openConnection } from '#src/nats/transport/connection/connection.ts';"],
  ['test/integration', "import { connect } from 'nats';"],
] as const;

describe('the lint, for the rules of the design', () => {
  let rules: Map<string, string[]>;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sequent-lint-'));
    for (const file of ['biome.jsonc', '.biome', 'package.json', '.gitignore'])
      await cp(join(checkout, file), join(folder, file), { recursive: true });
    for (const [index, [layer, line]] of [...refused, ...accepted].entries()) {
      const file = join(folder, fileOf(layer, index));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${line}\n`);
    }
    rules = lint(folder);
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test.for(refused.map((line, index) => [...line, index] as const))('refuses, in %s: %s', ([layer, , rule, index]) => {
    expect(rules.get(fileOf(layer, index)) ?? []).toContain(rule);
  });

  test.for(accepted.map((line, index) => [...line, refused.length + index] as const))('accepts, in %s: %s', ([layer, , index]) => {
    const broken = rules.get(fileOf(layer, index)) ?? [];
    expect(broken.filter((rule) => rule !== 'lint/correctness/noUnusedImports')).toEqual([]);
  });
});

function fileOf(layer: string, index: number): string {
  return `${layer}/line-${index}.ts`;
}

/** The rules that each file breaks. */
function lint(folder: string): Map<string, string[]> {
  const args = [biome, 'lint', '--reporter=github', '--max-diagnostics=none'];
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  const rules = new Map<string, string[]>();
  for (const [, rule = '', file = ''] of stdout.matchAll(/^::error title=([^,]*),file=([^,]*),/gm)) {
    const relative = file.replace(`${folder}/`, '');
    rules.set(relative, [...(rules.get(relative) ?? []), rule]);
  }
  return rules;
}
