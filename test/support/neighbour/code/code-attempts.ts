import { readFileSync } from 'node:fs';
import { handlerFile } from '#test/support/hosts/executions.ts';

/** What the neighbour's uploaded code tries: a handler, its event, and whether its reply means that it succeeded. */
export type CodeAttempt = { name: string; handler: string; event: unknown; succeeds: (reply: string) => boolean };

/** What the code may know of the machine: everything but the secrets. */
export type Machine = { dataDir: string; pid: number; ports: readonly number[]; secretFiles: readonly string[] };

/** The files of the neighbour's package. */
export const codeFiles = [
  { path: 'index.mjs', text: readFileSync(handlerFile('attacks.mjs'), 'utf8') },
  { path: 'handlers.mjs', text: readFileSync(handlerFile('handlers.mjs'), 'utf8') },
];

const errorCode = /^"?(?:E[A-Z]+|ERR_[A-Z_]+)"?$/;
/** A reply that is no error code, although the code asked for something outside of its sandbox. */
const gotIt = (reply: string): boolean => reply !== '' && !errorCode.test(reply);
/** The folder of the code is below that of the data, where the sandbox has nothing else. */
const isOwnPackage = (reply: string): boolean => reply === '[]' || reply === '["code"]';
const never = (): boolean => false;

/** Whether a file of the machine has the text that the attack writes. */
const isChanged = (path: string): boolean => {
  try {
    return readFileSync(path, 'latin1') === 'changed';
  } catch {
    return false;
  }
};

export function codeAttempts({ dataDir, pid, ports, secretFiles }: Machine): CodeAttempt[] {
  const on =
    (handler: string, succeeds: CodeAttempt['succeeds']) =>
    (event: Record<string, unknown>): CodeAttempt => ({
      name: `${handler} ${JSON.stringify(event).slice(0, 120)}`,
      handler: `index.${handler}`,
      event,
      succeeds,
    });
  const marker = '31415.92';
  const floods = [
    { text: 'x' },
    { first: '["returned",1,', text: '[' },
    { first: '["failed",1,', text: '{"a":' },
    { text: '["printed",""]\n' },
    { text: '["recalled",[]]\n' },
    { text: `["returned",1,${'['.repeat(60_000)}\n` },
  ];
  return [
    ...[...secretFiles, `/proc/${pid}/environ`, `/proc/${pid}/cmdline`, `/proc/${pid}/mem`, '/etc/shadow', '/proc/kcore']
      .map((path) => ({ path }))
      .map(on('read', gotIt)),
    ...[dataDir, `${dataDir}/nats`, `/proc/${pid}/fd`, '/root']
      .map((path) => ({ path }))
      .map(on('list', (reply) => gotIt(reply) && !isOwnPackage(reply))),
    ...[...secretFiles, `${dataDir}/mine`, '/etc/mine', '/usr/bin/sequent', `/proc/${pid}/oom_score_adj`, '/sys/fs/cgroup/cgroup.procs']
      // A sandbox of an ordinary user owns the folders above its package in its own /tmp, so the file on the machine is judged.
      .map((path) => on('write', (reply) => reply.includes('written') && isChanged(path))({ path })),
    on('writeOwnCode', (reply) => reply.includes('written'))({}),
    ...ports.map((port) => ({ port })).map(on('connect', (reply) => reply.includes('connected'))),
    on('leaveBehind', never)({ marker }),
    on('spawnMany', never)({ count: 300, marker }),
    on('useMemoryBelow', never)({ megabytes: 900, marker }),
    on('fillOwnFolder', never)({ megabytes: 500, held: 10 }),
    on('exit', never)({ code: 0 }),
    ...floods.map((flood) => ({
      name: `floods the channel ${JSON.stringify(flood).slice(0, 60)}`,
      handler: 'handlers.floodDescriptor',
      event: { fd: 4, megabytes: 40, ...flood },
      succeeds: never,
    })),
    ...[1, 2, 3].map((fd) => ({
      name: `floods the descriptor ${fd}`,
      handler: 'handlers.floodDescriptor',
      event: { fd, text: '-eyJ', megabytes: 20 },
      succeeds: never,
    })),
  ];
}
