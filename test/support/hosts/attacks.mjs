import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as openSocket } from 'node:net';

/* What hostile code tries. Each function returns what it got, or the code of the error. */

const attempt = (get) => {
  try {
    return get();
  } catch (error) {
    return error.code;
  }
};
const forever = () => new Promise(() => setInterval(() => {}, 1_000));

export const read = ({ path }) => attempt(() => readFileSync(path, 'latin1'));
export const list = ({ path }) => attempt(() => readdirSync(path));
export const write = ({ path }) => attempt(() => writeFileSync(path, 'changed')) ?? 'written';
export const writeOwnCode = () => attempt(() => writeFileSync(import.meta.filename, 'changed')) ?? 'written';
export const writeOwnFolder = () => attempt(() => writeFileSync(`${process.env.TMPDIR}/mine`, 'mine')) ?? 'written';
export const identity = () => ({ uid: process.getuid(), colour: process.env.COLOUR, env: Object.keys(process.env).sort() });

export const connect = ({ port }) =>
  new Promise((resolve) => {
    const socket = openSocket(port, '127.0.0.1');
    socket.on('connect', () => resolve('connected')).on('error', ({ code }) => resolve(code));
  });

const sleeper = (marker) => spawn('sleep', [marker], { detached: true, stdio: 'ignore' });

export const leaveBehind = ({ marker }) => {
  sleeper(marker).unref();
  return 'left';
};

export const spawnMany = ({ count, marker }) => {
  for (let index = 0; index < count; index++) sleeper(marker).on('error', () => {});
  return forever();
};

export const useMemoryBelow = ({ megabytes, marker }) => {
  const program = `globalThis.kept = Buffer.alloc(${megabytes} << 20, 1); setInterval(() => {}, 1000)`;
  spawn('sh', ['-c', `"$0" -e "$1"; : ${marker}`, process.execPath, program], { stdio: 'ignore' });
  return forever();
};

/** No attack: what the benchmark of isolation runs. */
export const nothing = () => 'nothing';
export const exit = ({ code }) => process.exit(code);

/** Runs a program, and resolves to what it prints and to its exit code. */
export const program = ({ command, args }) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', ({ code }) => resolve({ output: code })).on('close', (status) => resolve({ status, output }));
  });

/** Fills the folder for temporary files, which may be in memory, and holds memory itself. */
export const fillOwnFolder = ({ megabytes, held }) => {
  globalThis.held = Buffer.alloc(held << 20, 1);
  for (let index = 0; index < megabytes; index++) writeFileSync(`${process.env.TMPDIR}/${index}`, Buffer.alloc(1 << 20, 1));
  return forever();
};
