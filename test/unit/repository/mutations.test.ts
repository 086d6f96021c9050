import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mutatedFiles } from '#test/simulate/mutations/mutated-files.ts';
import { mutations } from '#test/simulate/mutations/mutations.ts';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));

// `npm run simulate:mutations` takes minutes, so that CI only shows that each mutation still finds its texts.
test.for(mutations)('the mutation "$name" still applies to the sources', (mutation) => {
  expect(mutatedFiles(mutation, checkout).size).toBeGreaterThan(0);
});
