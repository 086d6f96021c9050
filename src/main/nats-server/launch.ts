import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { Anonymous } from './access.ts';
import { ServerStartError } from './errors.ts';
import { type Fsync, readRecord, type ServerFiles, type ServerSettings, writeRecord, writeServerConfig } from './files.ts';
import { endServer, isRunning } from './processes.ts';
import { greetingOf } from './tether.ts';

/** A server that answers, with JetStream enabled. */
export type LiveServer = {
  pid: number;
  fsync: Fsync;
  /** `undefined` for a server without users. */
  anonymous: Anonymous | undefined;
  /** Whether the server has a user for requests to responders. */
  hasResponders: boolean;
  /** Whether clients are in an account of their own. */
  hasAccounts: boolean;
  port: number;
  monitorUrl: string;
  version: string;
};

const POLL_IN_MS = 10;
/** Go's collector lets the heap of nats-server grow by half until the next collection, instead of to its double (docs/performance.md). */
const COLLECTOR = { GOGC: '50' };

export type LaunchOptions = ServerSettings & {
  bin: string;
  /** Starts its own process group, so that a Ctrl-C in the terminal does not reach the server before Sequent is drained. */
  detached: boolean;
  signal?: AbortSignal | undefined;
  /** The recovery of a large log takes long. */
  readyWithinMs?: number;
};

/**
 * Starts a nats-server on a data folder, and resolves when it answers.
 *
 * The caller holds the lock of the folder, and knows that no other server runs on it. When the server ends or exceeds the
 * time, its process is ended and a `ServerStartError` with the server's own errors is thrown.
 */
export async function launchServer(files: ServerFiles, options: LaunchOptions): Promise<LiveServer> {
  const { fsync, port, access, signal, readyWithinMs = 60_000 } = options;
  const monitorPath = `/${randomBytes(16).toString('hex')}`;
  writeServerConfig(files, { ...options, monitorPath });
  for (const name of readdirSync(files.folder)) if (name.endsWith('.ports')) rmSync(join(files.folder, name), { force: true });
  const logStart = statSync(files.log, { throwIfNoEntry: false })?.size ?? 0;
  // Written before the start, so that a later process knows the settings of a server that it finds.
  const hasUsers = access !== undefined;
  writeRecord(files, { fsync, port, anonymous: access?.anonymous, responders: hasUsers, accounts: hasUsers, monitorPath });
  const child = await spawnServer(files, options);
  const { pid = 0 } = child;
  try {
    return await waitUntilReady(files, pid, { signal, readyWithinMs, ending: () => endingOf(child) });
  } catch (cause) {
    await endServer(pid, files.config);
    const errors = errorsIn(files.log, logStart);
    throw new ServerStartError({ dataDir: files.folder, why: errors === '' ? messageOf(cause) : errors }, { cause });
  }
}

export type WaitOptions = {
  signal?: AbortSignal | undefined;
  readyWithinMs: number;
  /** How the process ended, or `undefined` while it runs. */
  ending?: () => string | undefined | Promise<string | undefined>;
};

/** Waits for a server that this or another process started, and completes its record. */
export async function waitUntilReady(
  files: ServerFiles,
  pid: number,
  { signal, readyWithinMs, ending = () => endingOfStranger(pid, files.config) }: WaitOptions,
): Promise<LiveServer> {
  const deadline = performance.now() + readyWithinMs;
  while (performance.now() < deadline) {
    signal?.throwIfAborted();
    const live = await liveServer(files, pid);
    if (live !== undefined) return live;
    const ended = await ending();
    if (ended !== undefined) throw new Error(ended);
    await systemClock.sleep(POLL_IN_MS);
  }
  throw new Error(`no answer within ${readyWithinMs} ms; if process ${pid} hangs, "kill -9 ${pid}" frees the folder`);
}

function endingOf({ exitCode, signalCode }: ChildProcess): string | undefined {
  if (signalCode !== null) return `the process was ended by ${signalCode}`;
  return exitCode === null ? undefined : `the process ended at once with exit code ${exitCode}`;
}

async function endingOfStranger(pid: number, config: string): Promise<string | undefined> {
  return (await isRunning(pid, config)) ? undefined : 'the process ended';
}

/** Whether a port of the loopback address can be listened on now. */
export async function isPortFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen({ host: '127.0.0.1', port });
    await once(probe, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}

async function liveServer(files: ServerFiles, pid: number): Promise<LiveServer | undefined> {
  const ports = readPorts(files, pid);
  const record = readRecord(files);
  if (ports === undefined || record === undefined) return undefined;
  const greeting = await greetingOf(ports.port);
  if (greeting?.server_name !== files.serverName) return undefined;
  const monitorUrl = ports.monitorUrl + (record.monitorPath ?? '');
  writeRecord(files, { ...record, port: ports.port, monitorUrl, pid });
  const { fsync, anonymous, responders: hasResponders = false, accounts: hasAccounts = false } = record;
  return { pid, fsync, anonymous, hasResponders, hasAccounts, port: ports.port, monitorUrl, version: greeting.version };
}

async function spawnServer(files: ServerFiles, { bin, detached }: LaunchOptions): Promise<ChildProcess> {
  // Output before the server opens its log, and a panic, go to the same file. A pipe would break when this process ends.
  const log = openSync(files.log, 'a');
  try {
    const child = spawn(bin, ['-c', files.config], { detached, stdio: ['ignore', log, log], env: { ...COLLECTOR, ...process.env } });
    await once(child, 'spawn');
    child.unref();
    return child;
  } catch (cause) {
    throw new ServerStartError({ dataDir: files.folder, why: messageOf(cause) }, { cause });
  } finally {
    closeSync(log);
  }
}

const portsSchema = z.object({ nats: z.array(z.url()).min(1), monitoring: z.array(z.url()).min(1) });

function readPorts({ folder }: ServerFiles, pid: number): { port: number; monitorUrl: string } | undefined {
  const name = readdirSync(folder).find((candidate) => candidate.endsWith(`_${pid}.ports`));
  if (name === undefined) return undefined;
  try {
    const { nats, monitoring } = portsSchema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
    return { port: Number(new URL(nats[0] ?? '').port), monitorUrl: monitoring[0] ?? '' };
  } catch {
    // The file is only partly written. The caller polls again.
    return undefined;
  }
}

function errorsIn(log: string, from: number): string {
  const lines = readFileSync(log).subarray(from).toString('utf8').split('\n');
  const pattern = /\[(?:ERR|FTL)\] (.*)|^nats-server: (.*)/;
  return lines
    .flatMap((line) => pattern.exec(line)?.slice(1).find(Boolean) ?? [])
    .slice(-3)
    .join('; ');
}
