import type { FunctionAlias } from '#src/core/functions/entry.ts';

/** Such as `!prod → v1, v2 10 %`. */
export function describeAlias({ name, version, weights, policy }: FunctionAlias): string {
  const shares = Object.entries(weights).map(([other, share]) => `, ${other} ${share} %`);
  return `!${name} → ${version}${shares.join('')}${policy === undefined ? '' : ', with its own policy'}`;
}
