import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { findOnPath } from '#src/main/find-on-path.mjs';
import { folderTest as test } from '#test/support/folder-fixture.ts';

test('a command is the first executable file of its name on the PATH', ({ folder: root }) => {
  const [folder, text, first, second] = ['folder', 'text', 'first', 'second'].map((name) => join(root, name)) as [
    string,
    string,
    string,
    string,
  ];
  mkdirSync(join(folder, 'tool'), { recursive: true });
  for (const path of [text, first, second]) {
    mkdirSync(path);
    writeFileSync(join(path, 'tool'), '#!/bin/sh\n');
    chmodSync(join(path, 'tool'), path === text ? 0o644 : 0o755);
  }
  expect(findOnPath('tool', `${folder}:${text}:${first}:${second}`)).toBe(join(first, 'tool'));
  expect(findOnPath('tool', `${second}:${first}`)).toBe(join(second, 'tool'));
  expect(findOnPath('tool', `relative::${text}`)).toBeUndefined();
  expect(findOnPath('tool', '')).toBeUndefined();
});
