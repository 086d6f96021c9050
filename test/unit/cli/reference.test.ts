import { expect, test } from 'vitest';
import { languages } from '#src/core/text/language.ts';
import { documentWithReference } from '../../../build/cli-reference.ts';

test.each(languages)(
  'the reference of the command line has every command and option in %s, and no other',
  { timeout: 60_000 },
  async (language) => {
    const { document, present, wanted } = await documentWithReference(language);
    expect(present, `npm run cli-reference writes ${document}`).toBe(wanted);
  },
);
