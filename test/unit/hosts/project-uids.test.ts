import { describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createProjectUids } from '#src/hosts/isolation/project-uids.ts';

const range = { first: 100_000, last: 100_009 };
const projects = Array.from({ length: 10 }, (_, index) => `project-${index}`);

describe('the user id of a project', () => {
  test('is of one project only, also when two workers ask for all ids at once', async () => {
    const state = createMemoryKeyValue();
    const [one, other] = [createProjectUids(state, range), createProjectUids(state, range)];
    const [seen, alsoSeen] = await Promise.all([Promise.all(projects.map(one)), Promise.all([...projects].reverse().map(other))]);
    expect([...seen].sort()).toEqual(Array.from({ length: 10 }, (_, index) => 100_000 + index));
    expect(alsoSeen.reverse()).toEqual(seen);
  });

  test('stays the same after a restart, in whatever order projects ask', async () => {
    const state = createMemoryKeyValue();
    const before = createProjectUids(state, range);
    const seen = new Map<string, number>();
    for (const project of projects) seen.set(project, await before(project));
    const after = createProjectUids(state, range);
    for (const project of [...projects].reverse()) expect(await after(project)).toBe(seen.get(project));
  });

  test('is refused when other projects have all ids of the range', async () => {
    const uidOf = createProjectUids(createMemoryKeyValue(), range);
    await Promise.all(projects.map(uidOf));
    await expect(uidOf('one-more')).rejects.toThrow('all 10 user ids of --uids 100000-100009 belong to other projects; set a larger range');
  });
});
