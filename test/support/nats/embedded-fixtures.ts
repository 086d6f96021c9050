import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { createServerFiles } from '#src/main/nats-server/files.ts';
import { type EmbeddedServer, type StartServerOptions, startServer } from '#src/main/nats-server/start.ts';
import { test } from '#test/support/fixtures.ts';
import { endServersOn } from './embedded-servers.ts';

/**
 * `dataDir` is a data folder on which no server runs after the test. `start` starts an embedded server on the folder, or joins the server
 * that runs there; it is stopped after the test.
 */
export const embeddedTest = test
  .extend('dataDir', ({ folder }, { onCleanup }) => {
    createServerFiles(folder);
    onCleanup(() => endServersOn(folder));
    return folder;
  })
  .extend('start', async ({ dataDir }, { onCleanup }) => {
    const { bin } = await ensureServer();
    const started: EmbeddedServer[] = [];
    onCleanup(async () => void (await Promise.all(started.map((server) => server.stop()))));
    return async (options: Partial<StartServerOptions> = {}): Promise<EmbeddedServer> => {
      const server = await startServer({ bin, dataDir, fsync: '100ms', ...options });
      started.push(server);
      return server;
    };
  });
