import { expect, test } from 'vitest';
import { createRestartPauses } from '#src/main/roles/processes/restart-pauses.mjs';

test('the pauses before restarts double from 1 s to 30 s, and begin again after a long run', () => {
  const pauses = createRestartPauses();
  expect([0, 0, 0, 0, 0, 0, 60_001, 0].map((ranForMs) => pauses.afterRunOf(ranForMs))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 1_000, 2_000,
  ]);
});
