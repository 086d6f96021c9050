import { closeLater, folderTest } from './folder-fixture.ts';

/**
 * Each test has an empty `folder`, and all tests of a file share `sequent`.
 *
 * `open` starts `sequent` when a test or a hook of the file names it first. The end of the file closes it.
 */
export function sharedByFile<Sequent extends AsyncDisposable>(open: () => Promise<Sequent>) {
  return folderTest
    .extend('open', { scope: 'file' }, () => open)
    .extend('sequent', { scope: 'file' }, ({ open: start }, scope) => closeLater(start(), scope));
}

/** The same for the fixture `server`: a NATS server with a configuration of this file. */
export function serverSharedByFile<Server extends AsyncDisposable>(open: () => Promise<Server>) {
  return folderTest
    .extend('open', { scope: 'file' }, () => open)
    .extend('server', { scope: 'file' }, ({ open: start }, scope) => closeLater(start(), scope));
}
