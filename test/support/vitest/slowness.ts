import { spawnSync } from 'node:child_process';

/** How often the start of Node takes a tenth of a second here, at least 1: a busy machine delays every start alike. */
export function slownessOfMachine(): number {
  const times = Array.from({ length: 5 }, () => {
    const startedAt = performance.now();
    spawnSync(process.execPath, ['--eval', '']);
    return performance.now() - startedAt;
  });
  return Math.max(1, (times.toSorted((one, other) => one - other)[2] ?? 0) / 100);
}
