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

/** The median over blocks of neighbouring values of what `judge` says of a block: one pause of the machine spoils one block. */
export function medianOfBlocks(values: readonly number[], size: number, judge: (block: readonly number[]) => number): number {
  const blocks = Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    judge(values.slice(index * size, (index + 1) * size)),
  );
  return medianOf(blocks);
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
