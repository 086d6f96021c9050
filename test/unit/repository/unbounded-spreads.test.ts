import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));
const spread = /(Math\.(?:min|max)|\.(?:push|unshift))\((?:[^()\n]*, )?\.\.\./;

/** The files that spread a list into a call, with the bound of the list. A call with some 120,000 arguments throws a RangeError. */
const bounded: Readonly<Record<string, string>> = {
  'src/archive/segments/check.ts': 'the changes of one segment',
  'src/archive/heads/head-files.ts': 'the heads of one file',
  'src/archive/heads/heads.ts': 'the heads of one key',
  'src/cli/code/place-packages.ts': 'the dependencies of one package',
  'src/functions/layers.ts': 'the layers of one project, at most 400',
  'src/hosts/runtime/program.mjs': 'the children of one process',
  'src/cli/commands/repair/cancel.ts': 'one page',
  'src/cli/commands/dev/welcome.ts': 'the lines of the welcome',
  'src/cli/commands/doctor/doctor.ts': 'the findings of the doctor',
  'src/cli/commands/log/golden.ts': 'the differences of one file',
  'src/cli/commands/help.ts': 'the options of a command',
  'src/cli/commands/log/sql.ts': 'the rows that are measured',
  'src/cli/print/output.ts': 'the rows of one page',
  'src/cli/print/timeline-picture.ts': 'the spans of one invocation',
  'src/client/state/flow.ts': 'the rates of the functions of one pool',
  'src/client/repair/cancel.ts': 'the children of one invocation, within its budget (L2)',
  'src/client/follow/logs.ts': 'the attempts of one invocation',
  'src/core/flow/token-buckets.ts': 'the buckets of one entry',
  'src/core/functions/entry.ts': 'the versions of one function',
  'src/core/lines/read-lines.ts': 'the lines of one chunk',
  'src/core/log/requests/request-messages.ts': 'the headers of one message',
  'src/core/output/seen-lines.ts': 'the lines of one message',
  'src/core/stream/judge-proposals.ts': 'the facts of one proposal',
  'src/core/stream/stream.ts': 'the effects of one fact',
  'src/destinations/targets/huawei/smn.ts': 'the subscribers of one topic',
  'machines/outcome.ts': 'the fields of one object',
  'src/analysis/verify/findings.ts': 'the fields of one object',
  'src/core/flow/stream-waits.ts': 'the fields of one text',
  'src/core/least-and-greatest.ts': 'a comment',
  'src/analysis/explain/stuck-pools.ts': 'the pools that are stuck',
  'src/gateway/api/repair/bulk.ts': 'one page',
  'src/gateway/api/code/check-code-process.mjs': 'the issues of one module',
  'src/gateway/api/repair/dead-letters.ts': 'one page',
  'src/gateway/api/streams/streams.ts': 'one page',
  'src/hosts/isolation/process-tree.ts': 'the children of one process',
  'src/main/config/configuration.ts': 'the conflicts of one configuration',
  'src/main/install.mjs': 'the source folders',
  'src/main/roles/files/build-pages.ts': 'the source folders',
  'src/main/roles/files/newest-file.mjs': 'the files of one folder',
  'src/nats/streams/feeds/cursors.ts': 'the moves of one cursor',
  'src/nats/transport/streams/ensured-streams.ts': 'the streams of the topology',
  'src/projection/store/model-folder.ts': 'the files of one folder',
  'src/projection/queries/sorted-list.ts': 'one page',
  'src/worker/groups/debounced-run.ts': 'sixteen members',
};

test('a list is spread into a call only where the list has a bound', () => {
  const found = ['src', 'machines'].flatMap(filesIn).filter((path) => spread.test(readFileSync(join(checkout, path), 'utf8')));
  expect(found.filter((path) => !path.startsWith('src/web/') && bounded[path] === undefined)).toEqual([]);
});

function filesIn(folder: string): string[] {
  return readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|mjs)$/.test(path))
    .map((path) => join(folder, path));
}
