import { test as base } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { closeLater, folderTest, openFolder } from '#test/support/folder-fixture.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { startSequent } from './cli/processes/sequent-process.ts';

/*
 * What most test files open and close. Vitest opens a fixture when a test names it in the pattern of its first parameter, and closes the
 * fixtures of a scope in the reverse order. A fixture that names another one as `_` needs it open, and does not use its value.
 *
 * - `folder`: an empty folder.
 * - `server`: a nats-server with an empty store.
 * - `nats`: a connection to `server` with all ports; the streams exist.
 * - `sequent`: a `sequent serve` process on `server`. `serveArguments` and `serveSettings` are its arguments and environment.
 * - `client`: a client that is connected to `sequent`.
 * - `log`: follows the log of `sequent`.
 */

/** A lease and a patience that are short enough for a test to wait for them. */
export const shortTimes = { SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1500' };

/** Each test has fixtures of its own. */
export const test = folderTest
  .extend('server', ({ task: _ }, scope) => closeLater(startTestServer(), scope))
  .extend('nats', ({ server }, scope) => closeLater(openNats(server.url), scope))
  .extend('serveArguments', [] as readonly string[])
  .extend('serveSettings', {} as Readonly<Record<string, string>>)
  .extend('sequent', ({ server, serveArguments, serveSettings }, scope) =>
    closeLater(startSequent(serveArguments, { ...shortTimes, NATS_URL: server.url, ...serveSettings }), scope),
  )
  .extend('client', ({ server, sequent: _ }, scope) => closeLater(connectClient({ servers: server.url }), scope))
  .extend('log', ({ server, sequent: _ }, scope) => closeLater(watchLog(server.url), scope));

/** All tests of a file share the fixtures. The hooks `sharedTest.beforeAll` and `sharedTest.afterAll` get them too. */
export const sharedTest = base
  .extend('serveArguments', { scope: 'file' }, [] as readonly string[])
  .extend('serveSettings', { scope: 'file' }, {} as Readonly<Record<string, string>>)
  .extend('folder', { scope: 'file' }, ({ serveArguments: _ }, scope) => openFolder(scope))
  .extend('server', { scope: 'file' }, ({ serveArguments: _ }, scope) => closeLater(startTestServer(), scope))
  .extend('nats', { scope: 'file' }, ({ server }, scope) => closeLater(openNats(server.url), scope))
  .extend('sequent', { scope: 'file' }, ({ server, serveArguments, serveSettings }, scope) =>
    closeLater(startSequent(serveArguments, { ...shortTimes, NATS_URL: server.url, ...serveSettings }), scope),
  )
  .extend('client', { scope: 'file' }, ({ server, sequent: _ }, scope) => closeLater(connectClient({ servers: server.url }), scope))
  .extend('log', { scope: 'file' }, ({ server, sequent: _ }, scope) => closeLater(watchLog(server.url), scope));
