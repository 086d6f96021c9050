import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine } from '#test/support/cli/command-line.ts';
import { type Shell, tabOf } from '#test/support/cli/shells.ts';
import { STRANGER } from '#test/support/gateway/running-gateway.ts';
import type { Ground } from './ground.ts';
import { hostileTexts, SHELL_MARK } from './hostile-texts.ts';

/** Names of what the neighbour leaves for the operator to look at. */
const EVIL = 'evil';
const idOf = (index: number): string => `evil-${index}`;

/** Writes hostile texts wherever the gateway takes them: definitions, payloads, keys, reasons, schedules, batches. Returns how many were taken. */
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
    await put('POST', `/api/functions/${name}/invocations`, { [text]: text }, { 'idempotency-key': idOf(index) });
    await put('PUT', `/api/functions/${name}/test-events/first`, { [text]: text });
    await put('PUT', `/api/schedules/${name}`, { cron: '0 3 * * *', function: name, description: text.slice(0, 500), event: text });
    if (index % 4 === 0) await put('POST', `/api/invocations/${idOf(index)}/cancel`, { reason: text.slice(0, 500) });
  }
  return taken;
}

/** Characters that steer a terminal, or change the direction of a text. */
const steering = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

const commands = (): string[][] => {
  const name = `${STRANGER.project}=${EVIL}`;
  const all = ['fn ls', 'ls', 'schedule ls', 'project ls', 'audit'];
  const each = [
    ['fn', 'get', `${name}-0`],
    ['fn', 'versions', `${name}-2`],
    ['get', idOf(0)],
    ['timeline', idOf(4)],
    ['schedule', 'get', `${name}-1`],
  ];
  return [...all.map((line) => line.split(' ')), ...each];
};

/** What happened in the operator's terminal: output that steers it, and files that a shell created. */
export async function harmInShell({ sequent }: Ground, shells: readonly Shell[]): Promise<string[]> {
  const harm: string[] = [];
  for (const command of commands()) {
    const { stdout, stderr } = await sequent.run(command);
    const found = steering.exec(stdout + stderr);
    if (found !== null)
      harm.push(`sequent ${command.join(' ')} prints ${JSON.stringify((stdout + stderr).slice(found.index - 20, found.index + 20))}`);
  }
  const bin = join(sequent.dataDir, 'bin');
  await mkdir(bin, { recursive: true });
  const words = [process.execPath, ...commandLine()].map((part) => `'${part}'`).join(' ');
  await writeFile(join(bin, 'sequent'), `#!/bin/sh\nSEQUENT_DATA='${sequent.dataDir}' exec ${words} "$@"\n`);
  await chmod(join(bin, 'sequent'), 0o755);
  for (const shell of shells) {
    const { stdout: script } = await sequent.run(['completion', shell]);
    await tabOf(shell, { script, line: `sequent invoke ${STRANGER.project}=${EVIL}-`, bin });
  }
  if ((await readdir('/tmp')).includes(SHELL_MARK)) harm.push('a shell ran a text of the neighbour');
  return harm;
}
