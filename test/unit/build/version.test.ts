import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hashOfSources, numberOfBuild } from '#src/client/source-hash.ts';
import { VERSION } from '#src/client/version.ts';
import { runningVersions } from '#src/core/running-versions.ts';

/** A copy of a product without git. */
function copyOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sequent-build-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['src/core', 'machines']) mkdirSync(join(folder, part), { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  return folder;
}

describe('the number of a build', () => {
  test('names its sources between two releases, and is the number of the release otherwise', () => {
    const one = copyOf({ 'src/core/a.ts': 'export const a = 1;', 'machines/b.ts': '' });
    expect(numberOfBuild('0.2.0-dev', one)).toMatch(/^0\.2\.0-dev\.[0-9a-f]{10}$/);
    expect(numberOfBuild('0.2.0', one)).toBe('0.2.0');
    expect(VERSION).toMatch(/^\d+\.\d+\.\d+(?:-dev\.[0-9a-f]{10})?$/);
  });

  test('is equal for equal sources in another folder without git, and differs after a change or a move', () => {
    const one = copyOf({ 'src/core/a.ts': 'export const a = 1;' });
    const other = mkdtempSync(join(tmpdir(), 'sequent-build-'));
    onTestFinished(() => rmSync(other, { recursive: true, force: true }));
    cpSync(one, other, { recursive: true });
    expect(hashOfSources(other)).toBe(hashOfSources(one));
    writeFileSync(join(other, 'src/core/a.ts'), 'export const a = 2;');
    expect(hashOfSources(other)).not.toBe(hashOfSources(one));
    const moved = copyOf({ 'src/core/b.ts': 'export const a = 1;' });
    expect(hashOfSources(moved)).not.toBe(hashOfSources(one));
  });
});

describe('the versions that processes run', () => {
  test('tell two builds of one version apart, the one that started last first', () => {
    const instances = [
      { version: '0.2.0-dev.ffffffffff', startedAt: 1 },
      { version: '0.2.0-dev.1111111111', startedAt: 3 },
      { version: '0.2.0-dev.ffffffffff', startedAt: 2 },
      { version: '0.1.0', startedAt: 4 },
    ];
    expect(runningVersions(instances)).toEqual([
      { version: '0.2.0-dev.1111111111', processes: 1 },
      { version: '0.2.0-dev.ffffffffff', processes: 2 },
      { version: '0.1.0', processes: 1 },
    ]);
  });
});

describe('a release', () => {
  test('cuts the section Unreleased of the changelog, and refuses an empty one', async () => {
    const { cutChangelog, withImage, withVersion } = await import('../../../build/release.mjs' as string);
    const changelog = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A line.\n\n## [0.1.0]\n\n- First.\n';
    const cut = cutChangelog(changelog, '0.2.0', '2026-11-30');
    expect(cut).toBe('# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-11-30\n\n### Added\n\n- A line.\n\n## [0.1.0]\n\n- First.\n');
    expect(() => cutChangelog(cut, '0.3.0', '2026-12-01')).toThrow('has no line');
    expect(() => cutChangelog(changelog, '0.1.0', '2026-12-01')).toThrow('has a section 0.1.0 already');
    expect(withImage('image: sequent:0.1.0\nimage.version="0.1.0"', '0.2.0-dev')).toBe(
      'image: sequent:0.2.0-dev\nimage.version="0.2.0-dev"',
    );
    expect(withVersion('{\n  "version": "0.1.0",\n  "a": {\n    "version": "9.9.9"\n  }\n}', '0.2.0', 1)).toContain('"version": "9.9.9"');
  });
});

describe('a change', () => {
  const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false'];
  /** Commits a file with a text. */
  const commit = (folder: string, file: string, text: string, message = 'Change'): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
    for (const args of [
      ['add', '.'],
      [...author, 'commit', '-qm', message],
    ])
      execFileSync('git', args, { cwd: folder });
  };
  const manifest = (dependencies: object, version = '1.0.0'): string => JSON.stringify({ version, dependencies });

  test('that users see needs a line in the changelog, or a commit that says why not', async () => {
    const { untoldChanges } = await import('../../../build/changelog.mjs' as string);
    const folder = copyOf({});
    execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: folder });
    commit(folder, 'package.json', manifest({}));
    expect(untoldChanges(folder)).toEqual([]);
    execFileSync('git', ['checkout', '-qb', 'work'], { cwd: folder });
    commit(folder, 'src/core/a.ts', 'refactored');
    commit(folder, 'package.json', manifest({}, '1.1.0'));
    expect(untoldChanges(folder)).toEqual([]);
    commit(folder, 'docs/cli.md', '1', 'Name an option\n\nChangelog: none, because nobody can use it yet');
    expect(untoldChanges(folder)).toEqual([]);
    commit(folder, 'docs/cli.md', '2', 'Add an option');
    commit(folder, 'package.json', manifest({ zod: '5' }), 'Upgrade');
    expect(untoldChanges(folder)).toEqual([
      expect.stringMatching(/^package\.json \(.* Upgrade\)$/),
      expect.stringMatching(/^docs\/cli\.md \(.* Add an option\)$/),
    ]);
    commit(folder, 'CHANGELOG.md', '- An option.\n');
    expect(untoldChanges(folder)).toEqual([]);
    // On main, everything counts that came after the last line.
    execFileSync('git', ['checkout', '-q', 'main'], { cwd: folder });
    commit(folder, 'CHANGELOG.md', '- The first line.\n');
    commit(folder, 'docs/configuration.md', '1', 'Add a setting');
    commit(folder, 'src/core/a.ts', 'refactored again');
    expect(untoldChanges(folder)).toEqual([expect.stringMatching(/^docs\/configuration\.md /)]);
    execFileSync('git', [...author, 'merge', '-q', '-X', 'theirs', 'work'], { cwd: folder });
    expect(untoldChanges(folder)).toEqual([]);
  });
});
