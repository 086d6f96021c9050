import { InvalidInputError } from '#src/core/errors.ts';

/** A pattern whose matches are found in time in proportion to the length of the text, whatever pattern and text are. */
export type LinearPattern = {
  isMatchedBy(text: string): boolean;
  replaceAll(text: string, replacement: string): string;
};

/**
 * Compiles patterns of users by RE2, which runs in linear time by construction. JavaScript's own engine backtracks, so that one pattern and one
 * text could stop the process for hours. RE2 has neither lookaround nor back-references.
 *
 * Throws `InvalidInputError` with the field of the invalid pattern.
 */
export async function compileLinear(patterns: readonly { text: string; field: string }[]): Promise<LinearPattern[]> {
  if (patterns.length === 0) return [];
  // Loaded for own patterns only: most processes have none.
  const { RE2JS } = await import('re2js');
  return patterns.map(({ text, field }) => {
    let compiled: InstanceType<typeof RE2JS>;
    try {
      compiled = RE2JS.compile(RE2JS.translateRegExp(text));
    } catch (cause) {
      const problem = 'is no regular expression of RE2, which has neither lookaround nor back-references';
      throw new InvalidInputError({ field, problem }, { cause });
    }
    if (compiled.test('')) throw new InvalidInputError({ field, problem: 'matches the empty text, and so every text' });
    return {
      // Far faster than a search for the places of the matches.
      isMatchedBy: (searched) => compiled.test(searched),
      replaceAll: (searched, replacement) => compiled.matcher(searched).replaceAll(() => replacement),
    };
  });
}
