import { expect, test } from 'vitest';
import { readConfiguration, topologyOf } from '#src/main/config/configuration.ts';

test('keeps results in memory where its own server syncs every message, unless the storage is set', () => {
  const storageOf = (resultsStorage: string, fsync: 'always' | '100ms' | undefined) =>
    topologyOf(readConfiguration({ env: { SEQUENT_RESULTS_STORAGE: resultsStorage } }), fsync).resultsStorage;
  expect([storageOf('', 'always'), storageOf('file', 'always')]).toEqual(['memory', 'file']);
  expect([storageOf('', '100ms'), storageOf('', undefined), storageOf('memory', undefined)]).toEqual(['file', 'file', 'memory']);
});

test('lets appends share an fsync on its own server that syncs every message, and decides no other log', () => {
  const sharedBy = (fsync: 'always' | '100ms' | undefined) => topologyOf(readConfiguration({ env: {} }), fsync).isSyncedAlways;
  expect([sharedBy('always'), sharedBy('100ms'), sharedBy(undefined)]).toEqual([true, false, undefined]);
});
