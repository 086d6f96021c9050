import { describe, expect, test } from 'vitest';
import { withCanary } from '#src/core/functions/canary.ts';
import type { FunctionAlias } from '#src/core/functions/entry.ts';

const alias: FunctionAlias = { name: 'prod', version: 'v1', description: 'main', weights: { v2: 10 }, changedAt: 1, weightedAt: 1 };

describe('a new canary', () => {
  test('keeps the main version, and the weights of versions that it does not name', () => {
    expect(withCanary(alias, { version: 'v3', weight: 5 })).toMatchObject({ version: 'v1', weights: { v2: 10, v3: 5 } });
    expect(withCanary(alias, { version: 'v2', weight: 20 })).toMatchObject({ weights: { v2: 20 } });
  });
});
