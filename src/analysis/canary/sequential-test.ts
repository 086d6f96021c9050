/**
 * The sequential test of a canary, by the rules CAN1 to CAN4 of `src/DESIGN.md`.
 *
 * The method is the mixture sequential probability ratio test (Robbins 1970, "Statistical methods related to the law of the iterated
 * logarithm"; Johari, Koomen, Pekelis and Walsh 2017, "Peeking at A/B tests", whose always valid p-value is `1 / evidence`). The ratio for
 * two groups of Bernoulli trials is that of Turner, Ly and Grünwald 2024, "Generic E-variables for exact sequential k-sample tests".
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
