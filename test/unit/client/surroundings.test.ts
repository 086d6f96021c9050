import { expect, test } from 'vitest';
import { surroundingsOf } from '#src/client/surroundings.ts';

const gateway = { instance: 'i', roles: ['gateway'], version: '1', host: 'h', pid: 1, startedAt: 1 };
const ofPaused = { ...gateway, roles: ['scheduler'], takesWork: false };

test('a role of which it is unknown whether it runs counts as one that runs (A1)', () => {
  const around = surroundingsOf({ consumers: [], instances: [gateway], silentRoles: ['scheduler'] }, 'orders', undefined);
  expect(around.roles).toEqual(['gateway', 'scheduler']);
});

test('a role does not run when its only process takes no work', () => {
  expect(surroundingsOf({ consumers: [], instances: [ofPaused], silentRoles: [] }, 'orders', undefined).roles).toEqual([]);
});
