import { say } from '#src/cli/texts/say.ts';
import type { FunctionAlias } from '#src/core/functions/entry.ts';

/** Such as `!prod → v1, v2 10 %`. */
export function describeAlias({ name, version, weights, policy, auto }: FunctionAlias): string {
  const shares = Object.entries(weights).map(([other, share]) => `, ${other} ${share} %`);
  const moved = `!${name} → ${version}${shares.join('')}`;
  const alias =
    auto === undefined || auto === null
      ? moved
      : say('{alias}, promoted or rolled back by itself (promoted after {count} invocations that make it no worse)', {
          alias: moved,
          count: auto.promoteAfter,
        });
  return policy === undefined ? alias : say('{alias}, with its own policy', { alias });
}
