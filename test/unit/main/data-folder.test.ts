import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findDataFolder } from '#src/main/config/data-folder.ts';

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'sequent-home-')));
  mkdirSync(join(home, 'project/.sequent/nats'), { recursive: true });
  mkdirSync(join(home, 'project/recipes/pager'), { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('the data folder of a command that names none', () => {
  test('is the nearest one with a server, in the working directory or above it', () => {
    const found = join(home, 'project/.sequent');
    expect(findDataFolder(join(home, 'project'), home)).toBe(found);
    expect(findDataFolder(join(home, 'project/recipes/pager'), home)).toBe(found);
    mkdirSync(join(home, 'project/recipes/.sequent'));
    expect(findDataFolder(join(home, 'project/recipes/pager'), home)).toBe(found);
    mkdirSync(join(home, 'project/recipes/.sequent/nats'));
    expect(findDataFolder(join(home, 'project/recipes/pager'), home)).toBe(join(home, 'project/recipes/.sequent'));
  });

  test('is that of the working directory when none is found up to the home directory', () => {
    mkdirSync(join(home, 'elsewhere'));
    expect(findDataFolder(join(home, 'elsewhere'), home)).toBe(join(home, 'elsewhere/.sequent'));
    expect(findDataFolder(join(home, 'project/recipes/pager'), join(home, 'project/recipes'))).toBe(
      join(home, 'project/recipes/pager/.sequent'),
    );
  });

  test('is never a link, which may lead to the folder of a stranger', () => {
    mkdirSync(join(home, 'linked'));
    symlinkSync(join(home, 'project/.sequent'), join(home, 'linked/.sequent'));
    expect(findDataFolder(join(home, 'linked'), join(home, 'linked'))).toBe(join(home, 'linked/.sequent'));
    mkdirSync(join(home, 'linked/below'));
    expect(findDataFolder(join(home, 'linked/below'), join(home, 'linked'))).toBe(join(home, 'linked/below/.sequent'));
  });
});
