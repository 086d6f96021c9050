/** How often something happened among `of` trials. */
export type Proportion = { count: number; of: number };

export type Comparison = { test: "Fisher's exact test" | 'two-proportion z-test'; p: number };

/** Above this number of trials the exact sum is long, and the normal approximation is good. */
const MAX_EXACT = 10_000;

/**
 * The probability, by a two-sided test, that two groups with one common proportion differ at least as much as these two do: Fisher's exact
 * test up to 10,000 trials, the pooled two-proportion z-test above. 1 when a group is empty.
 */
export function compareProportions(one: Proportion, other: Proportion): Comparison {
  const total = one.of + other.of;
  if (total > MAX_EXACT) return { test: 'two-proportion z-test', p: zTest(one, other) };
  return { test: "Fisher's exact test", p: fisher(one, other) };
}

/** Sums the probabilities of all tables with the same margins that are at most as probable as the given one. */
function fisher(one: Proportion, other: Proportion): number {
  const total = one.of + other.of;
  const hits = one.count + other.count;
  const logFactorials = logFactorialsUpTo(total);
  const log = (number: number): number => logFactorials[number] ?? 0;
  const margins = log(one.of) + log(other.of) + log(hits) + log(total - hits) - log(total);
  const probability = (count: number): number =>
    Math.exp(margins - log(count) - log(one.of - count) - log(hits - count) - log(other.of - hits + count));
  const observed = probability(one.count);
  let sum = 0;
  // Tables with equal probabilities differ in their last digits.
  for (let count = Math.max(0, hits - other.of); count <= Math.min(one.of, hits); count++) {
    const found = probability(count);
    if (found <= observed * (1 + 1e-7)) sum += found;
  }
  return Math.min(1, sum);
}

function logFactorialsUpTo(max: number): Float64Array {
  const logs = new Float64Array(max + 1);
  for (let number = 2; number <= max; number++) logs[number] = (logs[number - 1] ?? 0) + Math.log(number);
  return logs;
}

function zTest(one: Proportion, other: Proportion): number {
  if (one.of === 0 || other.of === 0) return 1;
  const pooled = (one.count + other.count) / (one.of + other.of);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / one.of + 1 / other.of));
  if (deviation === 0) return 1;
  return 2 * upperTail(Math.abs(one.count / one.of - other.count / other.of) / deviation);
}

/** The upper tail of the normal distribution: Zelen and Severo's approximation 26.2.17, with an error below 7.5e-8. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}
