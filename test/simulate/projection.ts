import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { openProjection } from '#src/projection/projection.ts';
import type { Projection } from '#src/projection/projection-port.ts';
import { checkAgainstLog } from '#src/projection/repair/check.ts';
import { type Database, findSqlite, type OpenDatabase } from '#src/projection/store/sqlite.ts';
import { openStore } from '#src/projection/store/store.ts';
import { CREATED, createEntrySource } from './world/log-source.ts';
import type { Process } from './world/process.ts';
import type { Servers } from './world/servers.ts';

/** A file system in memory, where the machine has one. */
const MEMORY = '/dev/shm';

/** The data folder of the projection of a world: its processes follow each other, and each continues with the files of the one before. */
export interface ProjectionHome extends Disposable {
  start(process: Process, servers: Servers): Promise<() => Promise<void>>;
  /** Whether a projection runs, and holds the whole log. */
  isCaughtUp(servers: Servers): boolean;
  /** Compares all rows with a read model that is folded from the beginning (P1). */
  judge(servers: Servers): Promise<void>;
}

export async function createProjectionHome(): Promise<ProjectionHome> {
  const sqlite = await findSqlite();
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'sequent-simulate-'));
  let running: { process: Process; projection: Projection } | undefined;

  async function start(process: Process, servers: Servers): Promise<() => Promise<void>> {
    const { ledger } = servers;
    const warn = (_: object, message: string): void => {
      if (message.startsWith('the read model is rebuilt') && ledger.cuts.length === 0) ledger.problem(`P1: ${message}`);
    };
    const by = process.name;
    const projection = await openProjection({
      source: servers.sourceOf(process),
      folder,
      instance: by,
      clock: process.clock,
      timers: process.timers,
      sqlite: untilDeath(sqlite, process),
      logger: { ...silentLogger, warn },
      losses: { book: createLossBook(servers.stateOf(process)), folder: join(folder, 'losses'), host: 'simulated', by },
    });
    running = { process, projection };
    return () => projection.stop();
  }

  return {
    start,
    isCaughtUp: ({ last }) => (running?.process.isAlive ? running.projection.store.checkpoint?.sequence : undefined) === last(),
    async judge({ entries, ledger }) {
      running?.process.die();
      const path = join(folder, '0');
      const file = join(path, readFileSync(join(path, 'current'), 'utf8'));
      const source = createEntrySource(() => entries);
      const until = checkpointOf(sqlite, file, source.decode);
      const options = {
        source,
        open: sqlite,
        file,
        until,
        created: CREATED,
        signal: new AbortController().signal,
        scratch: join(folder, 'check.db'),
      };
      for (const { table, isEqual } of (await checkAgainstLog(options)).tables)
        if (!isEqual) ledger.problem(`P1: table ${table} of the read model differs from that of a new one`);
    },
    [Symbol.dispose]() {
      running?.process.die();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Closes the files of a process when it dies, as the operating system does. */
function untilDeath(sqlite: OpenDatabase, { death }: Process): OpenDatabase {
  const opened: Database[] = [];
  death.addEventListener('abort', () => opened.map((database) => database.close()), { once: true });
  return (file) => {
    const database = sqlite(file);
    opened.push(database);
    return database;
  };
}

function checkpointOf(sqlite: OpenDatabase, file: string, decode: Parameters<typeof openStore>[0]['decode']): number {
  const store = openStore({ open: sqlite, file, decode });
  const sequence = store?.checkpoint?.sequence ?? 0;
  store?.close();
  return sequence;
}
