import { InvalidInputError } from '#src/core/errors.ts';
import type { OwnPattern, Redact } from '#src/core/output/redaction.ts';

/**
 * Compiles patterns of users by RE2, which runs in linear time by construction. JavaScript's own engine backtracks, so that one pattern and one
 * text could stop the process for hours. RE2 has neither lookaround nor back-references.
 *
 * Throws `InvalidInputError` with the field of the invalid pattern.
 */
export async function compileLinear(patterns: readonly OwnPattern[], replacement: string): Promise<Redact[]> {
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
    // The test is far faster than a search for the places of the matches.
    return (searched) => (compiled.test(searched) ? compiled.matcher(searched).replaceAll(() => replacement) : searched);
  });
}
