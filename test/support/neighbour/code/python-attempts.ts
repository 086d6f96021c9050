import { existsSync, readFileSync, rmSync } from 'node:fs';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { handlerFile } from '#test/support/hosts/executions.ts';
import type { CodeAttempt, Machine } from './code-attempts.ts';

/** The file that the code creates on the machine where it is not in a sandbox: when it is checked, imported or run. */
const MARK = '/tmp/neighbour-python-was-here';
export const forgetPythonMark = (): void => rmSync(MARK, { force: true });
export const hasPythonMark = (): boolean => existsSync(MARK);

const textOf = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const leavesMark = `import os\nopen(${JSON.stringify(MARK)}, "a").write(__name__)\n`;

/** A package with files that Python, or the runtime, loads by their names. */
export async function hostilePython(): Promise<string> {
  const texts: Record<string, string> = {
    'index.py': `${textOf('./hostile.py')}\nfrom attacks import *\n`,
    'attacks.py': readFileSync(handlerFile('attacks.py'), 'utf8'),
    'sitecustomize.py': leavesMark,
    'usercustomize.py': leavesMark,
    'sequent_context.py': leavesMark,
    'sequent_frames.py': leavesMark,
    'evil.pth': `import os; open(${JSON.stringify(MARK)}, "a").write("pth")\n`,
    'pyvenv.cfg': 'home = /root\ninclude-system-site-packages = true\n',
    'python313._pth': '/root\nimport site\n',
    'lib/__init__.py': '',
  };
  const files = Object.entries(texts).map(([path, text]) => ({ path, content: Buffer.from(text) }));
  return (await writeZip(files)).toString('base64');
}

const errorCode = /^"?E[A-Z0-9]+"?$/;
const gotIt = (reply: string): boolean => reply !== '' && !errorCode.test(reply);
const never = (): boolean => false;
/** What only the environment of a process of Sequent has. */
const isOfSequent = (reply: string): boolean => /SEQUENT_|NATS_|npm_|VITEST|HOME=\/root/.test(reply);
const onMachine = (path: string): boolean => existsSync(path) && readFileSync(path, 'latin1').includes('changed');

/** The system calls by which a process gets out of a sandbox that forgot them. */
const natives: readonly [call: string, ...args: (string | number)[]][] = [
  ['mount', 'none', '/tmp', 'tmpfs', 0, 0],
  ['umount2', '/proc', 2],
  ['pivot_root', '.', '.'],
  ['chroot', '/tmp'],
  ['setuid', 0],
  ['setgroups', 0, 0],
  ['sethostname', 'owned', 5],
  ['reboot', 0],
  ['swapoff', '/none'],
  ['mknod', '/tmp/disk', 0o60666, 0x0800],
  ['ptrace', 16, 1, 0, 0],
  ['init_module', 0, 0, ''],
  ['acct', '/tmp/acct'],
];

export function pythonAttempts({ dataDir, pid, ports, secretFiles }: Machine): CodeAttempt[] {
  const on = (handler: string, succeeds: CodeAttempt['succeeds']) => (event: Record<string, unknown>) => ({
    name: `python ${handler} ${JSON.stringify(event).slice(0, 120)}`,
    handler: `index.${handler}`,
    event,
    succeeds,
  });
  const marker = '27182.81';
  const frames = [
    '["returned",1,"\\"taken\\"","",1]\n',
    '["failed",1,{"errorType":"X","message":"\\u001b[2J"},""]\n',
    '["loaded"]\n["ready"]\n',
    '["returned",999999999,"{}","",1]\n',
    '{"__proto__":{"isAdmin":true}}\n',
    `["printed","${'x'.repeat(100_000)}"]\n`,
  ];
  return [
    ...[...secretFiles, `/proc/${pid}/environ`, `/proc/${pid}/mem`, '/etc/shadow', '/root/.ssh/id_rsa'].map((path) =>
      on('read', gotIt)({ path }),
    ),
    ...[dataDir, `/proc/${pid}/fd`, '/root'].map((path) =>
      on('list', (reply) => gotIt(reply) && !['[]', '["code"]', '[ "code" ]'].includes(reply))({ path }),
    ),
    ...ports.map((port) => on('connect', (reply) => reply.includes('connected'))({ port })),
    on('environmentOf', isOfSequent)({}),
    ...['root', 'home', dataDir.slice(1)].map((path) => on('rootOf', (reply) => /\.nk|\.ssh|nats|\.npm|\.cache/.test(reply))({ path })),
    ...natives.map(([call, ...args]) => on('native', (reply) => reply.includes('done'))({ call, args })),
    ...['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sysrq-trigger', '/etc/ld.so.preload', '/usr/lib/evil.py'].map(
      (path) => on('write', () => onMachine(path))({ path, text: 'changed' }),
    ),
    ...frames.map((text) => on('frames', never)({ fd: 4, text, count: 200 })),
    on('frames', never)({ fd: 3, text: '["run",1]\n', count: 10 }),
    on('signals', never)({}),
    on('loaded', (reply) => reply !== '[]')({}),
    on('prints', never)({ text: '\u001b[2J\u202e\u009b31m\n', count: 2_000 }),
    on('deep', never)({ depth: 900 }),
    on('deep', never)({ depth: 100_000 }),
    on('exits', never)({ text: '\u001b]0;owned\u0007' }),
    on('raises', never)({ text: '__proto__\u001b[2J<img src=x onerror=top.hostileRan=1>' }),
    on('leaveBehind', never)({ marker }),
    on('spawnMany', never)({ count: 200, marker }),
    on('fillOwnFolder', never)({ megabytes: 500, held: 10 }),
  ];
}
