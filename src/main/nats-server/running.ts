import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Fsync, readRecord, serverFiles, urlOf } from './files.ts';
import { greetingOf } from './tether.ts';

export type RunningServer = { url: string; pid: number; monitorUrl: string; fsync: Fsync };

/** The server that runs on a data folder now, if any. Creates and starts nothing. */
export async function findRunningServer(dataDir: string): Promise<RunningServer | undefined> {
  if (!existsSync(join(dataDir, 'nats'))) return undefined;
  const files = serverFiles(dataDir);
  const { pid, port, monitorUrl, fsync } = readRecord(files) ?? {};
  if (pid === undefined || port === undefined || monitorUrl === undefined || fsync === undefined) return undefined;
  if ((await greetingOf(port))?.server_name !== files.serverName) return undefined;
  return { url: urlOf(port), pid, monitorUrl, fsync };
}
