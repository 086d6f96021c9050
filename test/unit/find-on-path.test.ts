import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findOnPath } from '#src/main/find-on-path.mjs';

test('a command is the first executable file of its name on the PATH', () => {
  const root = mkdtempSync(join(tmpdir(), 'sequent-path-'));
  try {
    const [folder, text, first, second] = ['folder', 'text', 'first', 'second'].map((name) => join(root, name)) as [
      string,
      string,
      string,
      string,
    ];
    mkdirSync(join(folder, 'tool'), { recursive: true });
    for (const place of [text, first, second]) {
      mkdirSync(place);
      writeFileSync(join(place, 'tool'), '#!/bin/sh\n');
      chmodSync(join(place, 'tool'), place === text ? 0o644 : 0o755);
    }
    expect(findOnPath('tool', `${folder}:${text}:${first}:${second}`)).toBe(join(first, 'tool'));
    expect(findOnPath('tool', `${second}:${first}`)).toBe(join(second, 'tool'));
    expect(findOnPath('tool', `relative::${text}`)).toBeUndefined();
    expect(findOnPath('tool', '')).toBeUndefined();
  } finally {
    rmSync(root, { recursive: true });
  }
});
