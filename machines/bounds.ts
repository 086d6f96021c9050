import { z } from 'zod';

type Bounds = { from: number; to: number; of?: string };

/** A whole number within bounds. Any other value is refused in a sentence, which people read beside the field of a page, or in a shell. */
export function whole(what: string, bounds: Bounds): z.ZodInt {
  const problem = `${what} must be a whole number${inWords(bounds)}`;
  return z.int(problem).min(bounds.from, problem).max(bounds.to, problem);
}

/** The same for any number. */
export function decimal(what: string, bounds: Bounds): z.ZodNumber {
  const problem = `${what} must be a number${inWords(bounds)}`;
  return z.number(problem).min(bounds.from, problem).max(bounds.to, problem);
}

function inWords({ from, to, of }: Bounds): string {
  const [least, most] = [from, to].map((bound) => bound.toLocaleString('en-US'));
  return `${of === undefined ? '' : ` of ${of}`} from ${least} to ${most}`;
}
