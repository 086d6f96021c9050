import { z } from 'zod';

type Bounds = { from: number; to: number; of?: string };

/** A schema of a whole number within bounds. Its message is a sentence that pages and the command line show. */
export function wholeNumber(name: string, bounds: Bounds): z.ZodInt {
  const problem = `${name} must be a whole number${inWords(bounds)}`;
  return z.int(problem).min(bounds.from, problem).max(bounds.to, problem);
}

/** A schema of any number within bounds, with a message as `wholeNumber` has it. */
export function decimalNumber(name: string, bounds: Bounds): z.ZodNumber {
  const problem = `${name} must be a number${inWords(bounds)}`;
  return z.number(problem).min(bounds.from, problem).max(bounds.to, problem);
}

/** `toLocaleString` would load the data of a language at the start of every command. */
function inWords({ from, to, of }: Bounds): string {
  const [min, max] = [from, to].map((bound) => String(bound).replace(/\B(?=(?:\d{3})+$)/g, ','));
  return `${of === undefined ? '' : ` of ${of}`} from ${min} to ${max}`;
}
