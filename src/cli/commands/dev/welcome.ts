import { relative, resolve } from 'node:path';
import type { OutputStream } from '#src/cli/print/terminal.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { Running } from '../serve/running.ts';
import type { DevFunction } from './dev-functions.ts';

/** The addresses, the functions, and the ways to invoke one. */
export function describeDev(
  running: Running,
  { folder, functions }: { folder: string; functions: DevFunction[] },
  { paint }: OutputStream,
) {
  const { url, http, startedInMs, configuration } = running;
  const facts: [string, string][] = [
    ['folder', folder],
    ['NATS', url],
    ...(http === undefined ? [] : ([['HTTP', http.url]] satisfies [string, string][])),
    ['data', configuration.dataDir],
    ...functions.map(({ name, file, isPut }, index): [string, string] => [
      index === 0 ? 'functions' : '',
      `${name}  ${paint.dim(`${relative(folder, file)}${isPut ? '' : ', not put yet'}`)}`,
    ]),
  ];
  const width = Math.max(...facts.map(([label]) => label.length));
  return [
    `${paint.bold('Sequent dev')} ${paint.dim(`started in ${formatDuration(startedInMs)}`)}`,
    ...facts.map(([label, value]) => `  ${paint.dim(label.padEnd(width))}  ${value}`),
    ...howToInvoke(running, functions.find(({ isPut }) => isPut)?.name).map((line, index) =>
      index === 0 ? line : `  ${paint.cyan(line)}`,
    ),
    paint.dim('The next attempt runs what you save. Ctrl-C stops everything.'),
  ];
}

/** Commands that work unchanged in another terminal in the working directory. */
function howToInvoke({ url, http, configuration: { dataDir } }: Running, name: string | undefined): string[] {
  if (name === undefined)
    return [
      'No file of the folder exports a handler yet. Save one:',
      `echo 'export const handler = async (event) => ({ got: event });' > hello.mjs`,
    ];
  const data = resolve('.sequent') === dataDir ? '' : ` --data ${relative(process.cwd(), dataDir)}`;
  return [
    'Invoke one, in another terminal:',
    `npx sequent invoke ${name} -d '{"name":"Ada"}' --wait${data}`,
    ...(http === undefined ? [] : [`curl -H 'Prefer: wait=5' -d '{"name":"Ada"}' ${http.url}/api/functions/${name}/invocations`]),
    `nats --server ${url} pub invoke.${name} '{"name":"Ada"}'`,
  ];
}
