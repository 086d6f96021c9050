/** Collects figures. Prints each at once, and the checked ones again at the end. */
export interface Report {
  say(line: string): void;
  rate(title: string, perSecond: number, cpuInUs?: Record<string, number>): void;
  figure(title: string, value: number, unit: string): void;
  figures(title: string, values: readonly number[], unit: string): void;
  /** Adds a figure with a bound. */
  check(title: string, value: number, bound: { min?: number; max?: number; unit?: string }): void;
  /** The latest rate of a title. */
  last(title: string): number;
  /** Prints the figures with bounds; false when a bound does not hold. */
  print(): boolean;
}

export function createReport(): Report {
  const rates = new Map<string, number>();
  const checks: { line: string; holds: boolean }[] = [];
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const digits = (value: number): string => (Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));
  return {
    say,
    rate(title, perSecond, cpuInUs) {
      rates.set(title, perSecond);
      const split = Object.entries(cpuInUs ?? {}).filter(([, value]) => value > 0.5);
      const cpu = split.map(([name, value]) => `${name} ${Math.round(value)}`).join(', ');
      say(`${title.padEnd(58)} ${digits(perSecond).padStart(9)}/s${cpu === '' ? '' : `   CPU µs each: ${cpu}`}`);
    },
    figure: (title, value, unit) => say(`${title.padEnd(58)} ${digits(value).padStart(9)} ${unit}`),
    figures: (title, values, unit) => say(`${title.padEnd(58)} ${values.map(digits).join(' ')} ${unit}`),
    check(title, value, { min, max, unit = '' }) {
      const holds = value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY);
      const bound = min === undefined ? `≤ ${max}` : `≥ ${min}`;
      const line = `${title.padEnd(58)} ${digits(value).padStart(9)} ${unit.padEnd(3)} (${bound})  ${holds ? 'holds' : 'DOES NOT HOLD'}`;
      checks.push({ line, holds });
      say(line);
    },
    last: (title) => rates.get(title) ?? Number.NaN,
    print() {
      say('\nBounds:');
      for (const { line } of checks) say(line);
      const failed = checks.filter(({ holds }) => !holds).length;
      say(`${checks.length - failed} hold, ${failed} do not`);
      return failed === 0;
    },
  };
}
