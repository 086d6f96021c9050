import { expect, test } from 'vitest';
import { documentWithReference } from '../../../build/cli-reference.ts';

test('docs/cli.md has every command and option, and no other', { timeout: 60_000 }, async () => {
  const { present, wanted } = await documentWithReference();
  expect(present, 'npm run cli-reference').toBe(wanted);
});
