import { usageProblem } from '#src/cli/problem.ts';

/** Reads `key=value`. The value may contain `=`. */
export function keyAndValue(text: string, flag: string): [string, string] {
  const [key = '', ...rest] = text.split('=');
  if (key === '' || rest.length === 0) throw usageProblem(`${flag} cannot be read`, `"${text}" is not key=value`, `${flag} REGION=eu`);
  return [key, rest.join('=')];
}
