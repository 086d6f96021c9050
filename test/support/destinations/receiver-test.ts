import { closeLater, folderTest } from '#test/support/folder-fixture.ts';
import { openReceiver, type Reply } from './receiver.ts';

/** All tests of a file share `receiver`, which answers its requests with `replies` in turn. */
export function receiverTest(...replies: Reply[]) {
  return folderTest
    .extend('replies', { scope: 'file' }, replies)
    .extend('receiver', { scope: 'file' }, ({ replies: given }, scope) => closeLater(openReceiver(...given), scope));
}
