import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyedId } from '#src/core/names/ids.ts';
import { commandLine } from '#test/support/cli/command-line.ts';
import { type Shell, tabOf } from '#test/support/cli/shells.ts';
import { STRANGER } from '#test/support/gateway/running-gateway.ts';
import type { Ground } from './ground.ts';
import { hostileTexts, SHELL_MARK } from './hostile-texts.ts';

/** Names of what the neighbour leaves for the operator to look at. */
export const EVIL = 'evil';
const keyOf = (index: number): string => `${EVIL}-${index}`;
const thrownKeyOf = (index: number): string => `${EVIL}-thrown-${index}`;
const BATCH_KEY = `${EVIL}-batch`;

/** The ids that the gateway derives from the keys of the neighbour, which is not the own project. */
const storedId = (key: string): string => keyedId(`${STRANGER.project}=${key}`);
export const idOf = (index: number): string => storedId(keyOf(index));
/** The invocations that print a text, and fail with it. */
export const thrownIdOf = (index: number): string => storedId(thrownKeyOf(index));
export const BATCH_ID = storedId(BATCH_KEY);

const THROWS = `export const handler = ({ text }) => {
  console.log(text);
  throw Object.assign(new Error(text), { name: text.slice(0, 200) });
};`;

/** Writes hostile texts wherever the gateway takes them: definitions, payloads, keys, reasons, schedules, batches, errors. Returns how many were taken. */
export async function leaveForOperator({ send }: Ground): Promise<number> {
  let taken = 0;
  const put = async (method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<void> => {
    const { status } = await send({ method, path, body: JSON.stringify(body), headers });
    if (status < 300) taken++;
  };
  for (const [index, { text }] of hostileTexts.entries()) {
    const name = `${EVIL}-${index}`;
    const userData = { [`key${index}`]: text };
    await put('PUT', `/api/functions/${name}`, { handler: { kind: 'inline' }, description: text.slice(0, 500), userData, paused: true });
    await put('POST', `/api/functions/${name}/versions`, { version: 'v1', description: text.slice(0, 500) });
    await put('PUT', `/api/functions/${name}/aliases/live`, { version: 'v1', description: text.slice(0, 500) });
    await put('POST', `/api/functions/${name}/invocations`, { [text]: text }, { 'idempotency-key': keyOf(index) });
    await put('PUT', `/api/functions/${name}/test-events/first`, { [text]: text });
    await put('PUT', `/api/schedules/${name}`, { cron: '0 3 * * *', function: name, description: text.slice(0, 500), event: text });
    if (index % 4 === 0) await put('POST', `/api/invocations/${idOf(index)}/cancel`, { reason: text.slice(0, 500) });
  }
  return taken + (await leaveFailures(send));
}

/** Invocations that fail with the texts, whose deliveries are dead, and a batch of them. Returns how many were taken. */
async function leaveFailures(send: Ground['send']): Promise<number> {
  const [gone, throws] = [`/api/functions/${EVIL}-gone`, `/api/functions/${EVIL}-throws`];
  const given = { handler: 'index.handler', files: [{ path: 'index.mjs', text: THROWS }] };
  const { body } = await send({ method: 'POST', path: `${throws}/packages`, body: JSON.stringify(given) });
  const { handler } = JSON.parse(body) as { handler: object };
  const onFailure = [{ destination: 'FunctionGraph', param: { func_urn: `${EVIL}-gone` } }];
  await send({ method: 'PUT', path: gone, body: JSON.stringify({ handler: { kind: 'inline' } }) });
  await send({ method: 'PUT', path: throws, body: JSON.stringify({ handler, policy: { maxRetries: 0, onFailure } }) });
  await send({ method: 'DELETE', path: gone });
  const events = hostileTexts.map(({ text }) => JSON.stringify({ text: text.slice(0, 5_000) }));
  const replies = [
    await send({ method: 'POST', path: `${throws}/batches`, headers: { 'idempotency-key': BATCH_KEY }, body: events.join('\n') }),
  ];
  for (const [index, event] of events.entries()) {
    const headers = { 'idempotency-key': thrownKeyOf(index), prefer: 'wait=30' };
    replies.push(await send({ method: 'POST', path: `${throws}/invocations`, headers, body: event }));
  }
  return replies.filter(({ status }) => status < 300).length;
}

/** Characters that steer a terminal, or change the direction of a text. */
const steering = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

const FAILED = "select id, error, error_type, condition from invocations where status = 'FAIL'";

const commands = (folder: string): string[][] => {
  const name = `${STRANGER.project}=${EVIL}`;
  const all = ['fn ls', 'ls', 'schedule ls', 'project ls', 'audit'];
  const each = [
    ['fn', 'get', `${name}-0`],
    ['fn', 'versions', `${name}-2`],
    ['get', idOf(0)],
    ['timeline', idOf(4)],
    ['schedule', 'get', `${name}-1`],
    ['logs', `${name}-throws`, '--since', '1d'],
    ['explain', thrownIdOf(0)],
    ['sql', FAILED],
    ['sql', FAILED, '--csv'],
    ['batch', 'ls'],
    ['fn', 'export', folder],
    ['fn', 'deploy', folder, '--dry-run'],
  ];
  return [...all.map((line) => line.split(' ')), ...each];
};

/** What happened in the operator's terminal: output that steers it, and files that a shell created. */
export async function harmInShell({ served }: Ground, shells: readonly Shell[]): Promise<string[]> {
  const harm: string[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'sequent-exported-'));
  for (const command of commands(join(folder, 'new'))) {
    const { code, stdout, stderr } = await served.run(command);
    if (code !== 0) harm.push(`sequent ${command.join(' ')} fails: ${stderr}`);
    const found = steering.exec(stdout + stderr);
    if (found !== null)
      harm.push(`sequent ${command.join(' ')} prints ${JSON.stringify((stdout + stderr).slice(found.index - 20, found.index + 20))}`);
  }
  await rm(folder, { recursive: true });
  const bin = join(served.dataDir, 'bin');
  await mkdir(bin, { recursive: true });
  const words = [process.execPath, ...commandLine()].map((part) => `'${part}'`).join(' ');
  const variables = Object.entries(served.operator).map(([name, value]) => `${name}='${value}'`);
  await writeFile(join(bin, 'sequent'), `#!/bin/sh\n${variables.join(' ')} exec ${words} "$@"\n`);
  await chmod(join(bin, 'sequent'), 0o755);
  for (const shell of shells) {
    const { stdout: script } = await served.run(['completion', shell]);
    await tabOf(shell, { script, line: `sequent invoke ${STRANGER.project}=${EVIL}-`, bin });
  }
  if ((await readdir('/tmp')).includes(SHELL_MARK)) harm.push('a shell ran a text of the neighbour');
  return harm;
}
