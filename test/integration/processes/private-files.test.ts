import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makePrivate, readableByOthers } from '#src/main/roles/files/private-files.ts';

let folder: string;
const umask = process.umask();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sequent-private-'));
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('a data folder', () => {
  test('becomes private with all files that an earlier version left open, and keeps new files private', async () => {
    const data = join(folder, 'data');
    mkdirSync(join(data, 'nats', 'jetstream'), { recursive: true });
    writeFileSync(join(data, 'nats', 'jetstream', '1.blk'), 'payload');
    writeFileSync(join(folder, 'elsewhere'), '');
    symlinkSync(join(folder, 'elsewhere'), join(data, 'link'));
    for (const path of [data, join(data, 'nats'), join(data, 'nats', 'jetstream')]) chmodSync(path, 0o755);
    chmodSync(join(data, 'nats', 'jetstream', '1.blk'), 0o644);
    chmodSync(join(folder, 'elsewhere'), 0o644);
    await makePrivate(data);
    writeFileSync(join(data, 'later'), '');
    expect(['.', 'nats', 'nats/jetstream'].map((path) => modeOf(join(data, path)))).toEqual(['700', '700', '700']);
    expect(['nats/jetstream/1.blk', 'later'].map((path) => modeOf(join(data, path)))).toEqual(['600', '600']);
    expect(modeOf(join(folder, 'elsewhere'))).toBe('644');
  });

  test('is made private when it does not exist yet', async () => {
    await makePrivate(join(folder, 'new', 'data'));
    expect(modeOf(join(folder, 'new', 'data'))).toBe('700');
  });
});

describe('a file of credentials', () => {
  test('is reported when other users can read it', async () => {
    const [open, closed] = [join(folder, 'open.json'), join(folder, 'closed.json')];
    writeFileSync(open, '');
    writeFileSync(closed, '');
    chmodSync(open, 0o640);
    chmodSync(closed, 0o600);
    expect(await readableByOthers([open, closed, join(folder, 'missing'), undefined])).toEqual([open]);
  });

  test('is not reported for the group by which this process reads the file of another owner', async () => {
    const [mounted, open] = [join(folder, 'mounted.nk'), join(folder, 'open.nk')];
    for (const file of [mounted, open]) writeFileSync(file, '');
    chmodSync(mounted, 0o440);
    chmodSync(open, 0o444);
    expect(await readableByOthers([mounted, open], 12_345)).toEqual([open]);
  });
});
