import { say } from '#src/cli/texts/say.ts';
import type { FunctionAlias } from '#src/core/functions/entry.ts';

/** Such as `!prod → v1, v2 10 %`. */
export function describeAlias({ name, version, weights, policy }: FunctionAlias): string {
  const shares = Object.entries(weights).map(([other, share]) => `, ${other} ${share} %`);
  const alias = `!${name} → ${version}${shares.join('')}`;
  return policy === undefined ? alias : say('{alias}, with its own policy', { alias });
}
