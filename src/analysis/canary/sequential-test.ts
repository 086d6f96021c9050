/**
 * The sequential tests of a canary, by the rules CAN1 to CAN6 of `src/DESIGN.md`: that it differs from the main version, and that it is not
 * worse by a margin.
 *
 * The method is the mixture sequential probability ratio test (Robbins 1970, "Statistical methods related to the law of the iterated
 * logarithm"; Johari, Koomen, Pekelis and Walsh 2017, "Peeking at A/B tests", whose always valid p-value is `1 / evidence`). The ratio for
 * two groups of Bernoulli trials is that of Turner, Ly and Grünwald 2024, "Generic E-variables for exact sequential k-sample tests".
 *
 * The second test has the same form for the hypothesis of a difference of at least the margin: each ratio divides by the nearest pair of rates
 * of this hypothesis (Grünwald, de Heide and Koolen 2024, "Safe testing"; Turner and Grünwald 2023, "Exact anytime-valid confidence intervals
 * for contingency tables and beyond").
 */

/** How often something happened among `of` trials. */
export type Proportion = { count: number; of: number };

/** `share`: the probability that a trial of the two versions is one of the canary, by the weights. */
export type Observed = { canary: Proportion; main: Proportion; share: number };

/** What the mixture expects: rates of the main version, and factors of the odds. They decide the power of the test and not its validity. */
const RATES = [0.002, 0.01, 0.05, 0.15, 0.4];
const ODDS_FACTORS = [
  { factor: 1.6, weight: 0.32 },
  { factor: 2.5, weight: 0.32 },
  { factor: 5, weight: 0.31 },
  // A version that always fails is found after a few invocations.
  { factor: 300, weight: 0.05 },
];
/** In the test of the margin, each trial multiplies this part of the evidence. With all of it, fewer canaries pass within a given number. */
const STAKE = 0.8;
/** A canary that is worse is found earlier than one that is better. */
const WEIGHT_OF_WORSE = 0.75;

export type Evidence = { worse: number; better: number };

/** The least evidence, by the weights and by the observed shares (CAN4). The labels of a version without a trial say nothing. */
export function leastEvidenceOf(observed: Observed): Evidence {
  const { canary, main } = observed;
  if (canary.of === 0 || main.of === 0) return evidenceOf({ ...observed, canary: NOTHING, main: NOTHING });
  const byWeights = evidenceOf(observed);
  const byShares = evidenceOf({ ...observed, share: canary.of / (canary.of + main.of) });
  return { worse: Math.min(byWeights.worse, byShares.worse), better: Math.min(byWeights.better, byShares.better) };
}

const NOTHING: Proportion = { count: 0, of: 0 };

/** The evidence that the canary is worse, and that it is better. Their sum is the evidence against equal versions (CAN2). */
export function evidenceOf(observed: Observed): Evidence {
  const mean = (direction: 1 | -1): number =>
    RATES.flatMap((rate) =>
      ODDS_FACTORS.map(({ factor, weight }) => (weight / RATES.length) * ratioOf(observed, rate, factor ** direction)),
    ).reduce((sum, ratio) => sum + ratio, 0);
  return { worse: WEIGHT_OF_WORSE * mean(1), better: (1 - WEIGHT_OF_WORSE) * mean(-1) };
}

/** The likelihood ratio of one alternative: the main version fails at `rate`, and the canary with `factor` times the odds. */
function ratioOf({ canary, main, share }: Observed, rate: number, factor: number): number {
  const odds = (factor * rate) / (1 - rate);
  const rateOfCanary = odds / (1 + odds);
  const mixed = (1 - share) * rate + share * rateOfCanary;
  const log =
    canary.count * Math.log(rateOfCanary / mixed) +
    (canary.of - canary.count) * Math.log((1 - rateOfCanary) / (1 - mixed)) +
    main.count * Math.log(rate / mixed) +
    (main.of - main.count) * Math.log((1 - rate) / (1 - mixed));
  return Math.exp(Math.min(log, MAX_LOG));
}

/** Keeps the sum of all ratios finite. */
const MAX_LOG = 600;

/** The least evidence that the canary fails less than `margin` more often than the main version, as in {@link leastEvidenceOf} (CAN4). */
export function leastEvidenceWithin(margin: number, observed: Observed): number {
  const { canary, main, share } = observed;
  if (canary.of === 0 || main.of === 0) return 0;
  const byWeights = evidenceWithin(margin, share)(observed);
  const byShares = evidenceWithin(margin, canary.of / (canary.of + main.of))(observed);
  return Math.min(byWeights, byShares);
}

type Counted = Omit<Observed, 'share'>;

/** The evidence that the canary fails less than `margin` more often, as a function of the counts. */
export function evidenceWithin(margin: number, share: number): (counted: Counted) => number {
  const ratios = RATES.map((rate) => {
    const nearest = nearestWorse(rate, { margin, share });
    const [canary, main] = [stakesOf(rate, nearest + margin), stakesOf(rate, nearest)];
    return (counted: Counted): number => {
      const log = logOf(counted.canary, canary) + logOf(counted.main, main);
      return Math.exp(Math.min(log, MAX_LOG));
    };
  });
  return (counted) => ratios.reduce((sum, ratio) => sum + ratio(counted), 0) / RATES.length;
}

/** The logarithms by which a trial that counts, and one that does not, changes the evidence for `rate` against `other`. */
type Stakes = { counts: number; others: number };

function stakesOf(rate: number, other: number): Stakes {
  const stake = (ratio: number): number => Math.log(1 - STAKE + STAKE * ratio);
  return { counts: stake(rate / other), others: stake((1 - rate) / (1 - other)) };
}

function logOf({ count, of }: Proportion, { counts, others }: Stakes): number {
  return count * counts + (of - count) * others;
}

const BISECTIONS = 50;

/**
 * The rate of the main version in the nearest pair of rates, by their relative entropy, of which the canary's is higher by the margin. Against
 * this pair, the ratio of one trial has a mean of at most 1 for all rates that differ by the margin or more (CAN5).
 */
function nearestWorse(rate: number, { margin, share }: { margin: number; share: number }): number {
  const slope = (main: number): number => {
    const canary = main + margin;
    return (share * (rate - canary)) / (canary * (1 - canary)) + ((1 - share) * (rate - main)) / (main * (1 - main));
  };
  let [low, high] = [Math.max(0, rate - margin), Math.min(rate, 1 - margin)];
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (slope(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** More than any canary gets. */
const MAX_TRIALS = 1e9;

/**
 * How many more trials of the canary bring the evidence of the margin to `wanted`, if both versions go on with the rate of all trials so far;
 * `undefined` when none do.
 */
export function trialsUntil(wanted: number, margin: number, { canary, main, share }: Observed): number | undefined {
  if (!(share < 1) || canary.of === 0) return undefined;
  const rate = (canary.count + main.count) / (canary.of + main.of);
  const evidence = evidenceWithin(margin, share);
  const after = ({ count, of }: Proportion, more: number): Proportion => ({ count: count + more * rate, of: of + more });
  const isEnough = (more: number): boolean =>
    evidence({ canary: after(canary, more), main: after(main, (more * (1 - share)) / share) }) >= wanted;
  let [low, high] = [0, 1];
  while (!isEnough(high)) {
    if (high > MAX_TRIALS) return undefined;
    [low, high] = [high, 2 * high];
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
