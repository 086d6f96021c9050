import { mkdtemp, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type DevelopedFolder, startDev } from '#test/support/cli/cli.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';

test('sequent dev says which destination names no function, once, until the function is saved (SRC5)', async () => {
  const own = await mkdtemp(join(tmpdir(), 'sequent-dev-'));
  const sender = (text: string) =>
    `export const config = { policy: { onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'ledger' } }] } };
     export const handler = () => '${text}';`;
  const said = (one: DevelopedFolder) => [...one.stderr().matchAll(/orders notifies ledger on success, and ledger does not exist/g)].length;
  try {
    await writeFile(join(own, 'orders.mjs'), sender('first'));
    await using other = await startDev(own);
    expect(said(other)).toBe(1);
    await writeFile(join(own, 'orders.mjs'), sender('second'));
    await other.says(/^orders: put again/m);
    await writeFile(join(own, 'ledger.mjs'), "export const handler = () => 'kept';");
    await other.says(/^ledger: put,/m);
    expect(said(other)).toBe(1);
    await unlink(join(own, 'ledger.mjs'));
    await other.says(/^ledger: removed[\s\S]*orders notifies ledger/m);
  } finally {
    await removeDataFolder(own);
  }
});
