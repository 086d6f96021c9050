import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Access, ANONYMOUS_CHOICES, accessLines } from './access.ts';

export const FSYNC_CHOICES = ['100ms', 'always', 'default'] as const;
/** How long an acknowledged message may wait for its fsync; `default` is the server's own two minutes. */
export type Fsync = (typeof FSYNC_CHOICES)[number];

/** The files of the embedded server of one data folder, and the name by which a client recognises that server. */
export type ServerFiles = {
  readonly folder: string;
  readonly config: string;
  readonly record: string;
  readonly log: string;
  /** The seed of Sequent's own user. */
  readonly key: string;
  /** The seed of the user that asks responders. */
  readonly respondersKey: string;
  readonly serverName: string;
};

const SERVER_NAME_PREFIX = 'sequent-';

/** Whether a server with this name is the embedded server of a data folder. */
export function isServerName(name: string): boolean {
  return name.startsWith(SERVER_NAME_PREFIX) && /^[\da-f]{12}$/.test(name.slice(SERVER_NAME_PREFIX.length));
}

/** Different paths of one folder give the same files and the same name. Throws when the folder does not exist. */
export function serverFiles(dataDir: string): ServerFiles {
  const folder = realpathSync(join(dataDir, 'nats'));
  return {
    folder,
    config: join(folder, 'nats-server.conf'),
    record: join(folder, 'server.json'),
    log: join(folder, 'nats-server.log'),
    key: join(folder, 'sequent.nk'),
    respondersKey: join(folder, 'responders.nk'),
    serverName: `${SERVER_NAME_PREFIX}${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`,
  };
}

/** Creates the folder first. Only its owner can read it, because it holds the payloads of users. */
export function createServerFiles(dataDir: string): ServerFiles {
  mkdirSync(join(dataDir, 'nats'), { recursive: true, mode: 0o700 });
  return serverFiles(dataDir);
}

/** The record of the last start on a data folder. The next server listens on the same `port`. */
const serverRecordSchema = z.object({
  fsync: z.enum(FSYNC_CHOICES),
  port: z.int().min(1).max(65_535).optional(),
  /** Earlier versions started a server without users, and wrote no such field. */
  anonymous: z.enum(ANONYMOUS_CHOICES).optional(),
  /** Whether the server has a user for requests to responders. */
  responders: z.boolean().optional(),
  /** Whether clients are in an account of their own. */
  accounts: z.boolean().optional(),
  // These are known once the server answered.
  pid: z.int().positive().optional(),
  monitorUrl: z.string().optional(),
  /** The secret first part of the paths of its monitoring. */
  monitorPath: z.string().optional(),
});
export type ServerRecord = z.output<typeof serverRecordSchema>;

export function readRecord({ record }: ServerFiles): ServerRecord | undefined {
  try {
    return serverRecordSchema.parse(JSON.parse(readFileSync(record, 'utf8')));
  } catch {
    // There is no record, or a power failure truncated it. In both cases its server is not running.
    return undefined;
  }
}

export function writeRecord({ record }: ServerFiles, content: ServerRecord): void {
  writeFileSync(`${record}.next`, `${JSON.stringify(content)}\n`);
  renameSync(`${record}.next`, record);
}

/** Without `access`, the server has no users, and every client may do everything. */
export type ServerSettings = { fsync: Fsync; port?: number | undefined; access?: Access | undefined; monitorPath?: string | undefined };

/** The server listens on the loopback address only, and disconnects slow readers. */
export function writeServerConfig(files: ServerFiles, { fsync, port = -1, access, monitorPath }: ServerSettings): void {
  const text = [
    '# Written by Sequent at every start.',
    `server_name: ${quoted(files.serverName)}`,
    `listen: "127.0.0.1:${port}"`,
    'http: "127.0.0.1:-1"',
    // The monitoring names the functions, and every user of the machine reaches its port.
    ...(monitorPath === undefined ? [] : [`http_base_path: ${quoted(monitorPath)}`]),
    `jetstream {`,
    `  store_dir: ${quoted(files.folder)}`,
    ...(fsync === 'default' ? [] : [`  sync_interval: "${fsync}"`]),
    '}',
    'max_payload: 4MB',
    'write_deadline: "10s"',
    `ports_file_dir: ${quoted(files.folder)}`,
    `log_file: ${quoted(files.log)}`,
    'logfile_size_limit: 10MB',
    'logfile_max_num: 3',
    ...(access === undefined ? [] : accessLines(access)),
    ...ownSettings(),
  ];
  writeFileSync(files.config, `${text.join('\n')}\n`);
}

/** What the operator adds: the content of the file that `NATS_SERVER_CONFIG` names. An `include` of nats-server takes no absolute path. */
function ownSettings({ NATS_SERVER_CONFIG: file = '' } = process.env): string[] {
  return file === '' ? [] : [readFileSync(file, 'utf8')];
}

export function urlOf(port: number): string {
  return `nats://127.0.0.1:${port}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
