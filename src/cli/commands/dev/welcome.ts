import { relative, resolve } from 'node:path';
import { processHost, typedCommand } from '#src/cli/host.ts';
import { type OutputStream, padEnd, widthOf } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { Running } from '../serve/running.ts';
import type { DevFunction } from './dev-functions.ts';
import type { IgnoredFile } from './function-files.ts';

/** How many ignored files the terminal names. */
const MAX_IGNORED = 8;

/** The addresses, the functions, the files that are none, and the ways to invoke one. */
export function describeDev(
  running: Running,
  { folder, functions, ignored }: { folder: string; functions: DevFunction[]; ignored: readonly IgnoredFile[] },
  { paint }: OutputStream,
) {
  const { url, http, startedInMs, configuration } = running;
  const facts: [string, string][] = [
    [say('folder'), folder],
    ['NATS', url],
    ...(http === undefined ? [] : ([['HTTP', http.url]] satisfies [string, string][])),
    [say('data'), configuration.dataDir],
    ...functions.map(({ name, file, isPut }, index): [string, string] => [
      index === 0 ? say('functions') : '',
      `${name}  ${paint.dim(isPut ? relative(folder, file) : say('{file}, not put yet', { file: relative(folder, file) }))}`,
    ]),
    ...ignored
      .slice(0, MAX_IGNORED)
      .map(({ file, why }, index): [string, string] => [
        index === 0 ? say('ignored') : '',
        paint.dim(say('{file}: {why}', { file: relative(folder, file), why: say(why) })),
      ]),
    ...(ignored.length > MAX_IGNORED
      ? ([['', paint.dim(say('and {count} more', { count: ignored.length - MAX_IGNORED }))]] satisfies [string, string][])
      : []),
  ];
  const width = Math.max(...facts.map(([label]) => widthOf(label)));
  return [
    `${paint.bold('Sequent dev')} ${paint.dim(say('started in {duration}', { duration: formatDuration(startedInMs) }))}`,
    ...facts.map(([label, value]) => `  ${paint.dim(padEnd(label, width))}  ${value}`),
    ...howToInvoke(running, functions.find(({ isPut }) => isPut)?.name).map((line, index) =>
      index === 0 ? line : `  ${paint.cyan(line)}`,
    ),
    paint.dim(say('The next attempt runs what you save. Ctrl-C stops everything.')),
  ];
}

/** Commands that work unchanged in another terminal in the working directory. */
function howToInvoke({ url, http, configuration: { dataDir } }: Running, name: string | undefined): string[] {
  if (name === undefined)
    return [
      say('No file of the folder exports a handler yet. Save one:'),
      `echo 'export const handler = async (event) => ({ got: event });' > hello.mjs`,
    ];
  const data = resolve('.sequent') === dataDir ? '' : ` --data ${relative(process.cwd(), dataDir)}`;
  return [
    say('Invoke one, in another terminal:'),
    `${typedCommand(processHost.env)} invoke ${name} -d '{"name":"Ada"}' --wait${data}`,
    ...(http === undefined ? [] : [`curl -H 'Prefer: wait=5' -d '{"name":"Ada"}' ${http.url}/api/functions/${name}/invocations`]),
    `nats --server ${url} pub invoke.${name} '{"name":"Ada"}'`,
  ];
}
