import { processHost, typedCommand } from '#src/cli/host.ts';
import { factLines } from '#src/cli/print/output.ts';
import type { OutputStream } from '#src/cli/print/terminal.ts';
import { say, translated } from '#src/cli/texts/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { Format } from '../../call.ts';
import { loginLink } from './callers.ts';
import type { Running } from './running.ts';

/** The one line that scripts wait for. */
export function readyLine(running: Running, format: Format): string {
  const { url, server, http, configuration } = running;
  const { dataDir, roles } = configuration;
  if (format === 'json' || format === 'jsonl') {
    const login = loginOf(running);
    const facts = { url, data: server === undefined ? null : dataDir, http: http?.url ?? null, roles };
    return `sequent ready ${JSON.stringify(login === undefined ? facts : { ...facts, login })}`;
  }
  const data = server === undefined ? '' : ` data ${dataDir}`;
  return `sequent ready ${url}${data}${http === undefined ? '' : ` http ${http.url}`}`;
}

/** The addresses, the durability, and commands to try. */
export function describeRunning(running: Running, { paint }: OutputStream): string[] {
  const { configuration, url, serverVersion, server, http, durability, examples, startedInMs } = running;
  const { roles, dataDir } = configuration;
  const login = loginOf(running);
  const facts: [string, string][] = [
    ['NATS', `${url}  ${say('(nats-server {version}, {how})', { version: serverVersion, how: howItRuns(running) })}`],
    ...(server === undefined ? [] : ([[say('data'), dataDir]] satisfies [string, string][])),
    ...(http === undefined ? [] : ([['HTTP', [http.url, ...http.notes.map(noteInWords)].join('; ')]] satisfies [string, string][])),
    ...(login === undefined ? [] : ([[say('sign in'), login]] satisfies [string, string][])),
    [say('durability'), translated(durability.words)],
    [say('roles'), roles.join(', ')],
    ...(examples.length === 0 ? [] : ([[say('examples'), examples.join(', ')]] satisfies [string, string][])),
  ];
  return [
    `${paint.bold('Sequent')} ${paint.dim(say('started in {duration}', { duration: formatDuration(startedInMs) }))}`,
    ...factLines(facts, { paint, columns: 0, isTty: false }),
    ...tryNext(running).map((line, index) => (index === 0 ? line : `  ${paint.cyan(line)}`)),
    paint.dim(say('Ctrl-C stops Sequent cleanly.')),
  ];
}

/** A note of the gateway, whose English text also stands in its log. */
function noteInWords(note: string): string {
  const [, taken, port] = /^port (\d+) is taken, so HTTP is served on (\d+)$/.exec(note) ?? [];
  if (taken === undefined || port === undefined) return translated(note);
  return say('port {taken} is taken, so HTTP is served on {port}', { taken, port });
}

function loginOf({ http, localToken }: Running): string | undefined {
  return http === undefined || localToken === undefined ? undefined : loginLink(http.url, localToken);
}

function howItRuns({ server }: Running): string {
  if (server === undefined) return say('not started by Sequent');
  return server.adopted ? say('already running on the data folder, process {pid}', server) : say('process {pid}', server);
}

/** Commands that work unchanged in another terminal in this folder. */
function tryNext(running: Running): string[] {
  const { examples } = running;
  // A function of the user may have the name of an example.
  if (!['hello', 'flaky'].every((name) => examples.includes(name)))
    return [say('Try next:'), ...['fn ls', 'doctor', 'tail'].map((words) => commandFor(words, running))];
  const commands = [`invoke hello -d '{"name":"Ada"}' --wait`, 'invoke flaky --follow', 'tail'];
  return [say('Try next, in another terminal:'), ...commands.map((words) => commandFor(words, running))];
}

/** The whole command, with the data folder or the address when a command would not find this server automatically. */
function commandFor(words: string, { configuration: { given, dataDir }, server, url }: Running): string {
  const line = `${typedCommand(processHost.env)} ${words}`;
  // The key of a server that Sequent started is in the data folder.
  if (server !== undefined) return given.dataDir === undefined ? line : `${line} --data ${dataDir}`;
  return given.natsUrls === undefined && given.natsContext === undefined ? line : `${line} --server ${url}`;
}
