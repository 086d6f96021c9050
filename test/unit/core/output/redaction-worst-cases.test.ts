import { describe, expect, test } from 'vitest';
import { createRedaction, type Redact, redactByDefault } from '#src/core/output/redaction.ts';
import { compileLinear } from '#src/hosts/linear-patterns.ts';

/** What the default rules consist of, and what their repetitions accept and refuse. */
const pieces = [
  ...[
    '-----BEGIN ',
    'PRIVATE KEY-----',
    '-----END ',
    '-----BEGIN PRIVATE KEY-----',
    'authorization',
    'authorization: ',
    'Basic ',
    'bearer ',
  ],
  ...[
    'eyJ',
    '-eyJ',
    '.eyJ',
    'eyJ0123456789',
    'eyJ0123456789.',
    'AKIA',
    'AKIAIOSFODNN7EXAMPLE',
    'password',
    'password=',
    'secret_',
    'access_key_',
  ],
  ...['token', 'token=', 'token":', 'ak=', 'x://', 'x://a:', 'http://user:', '@', ...'"\'\\= :.-_a9Z/,;{\n\u00e9'],
];
const pumps = pieces.flatMap((one) => pieces.map((other) => one + other));

/** The processor time of the fastest of several runs, in milliseconds: other processes use the processors too. */
function timeOf(redact: Redact, text: string, runs = 3): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    redact(text);
    const { user, system } = process.cpuUsage(before);
    fastest = Math.min(fastest, (user + system) / 1_000);
  }
  return fastest;
}

const grown = (pump: string, length: number): string => pump.repeat(Math.ceil(length / pump.length));

describe('the default rules', () => {
  test('take time in proportion to the length of the worst texts of a generator', { timeout: 120_000 }, () => {
    const times = pumps.map((pump) => ({ pump, ms: timeOf(redactByDefault, grown(pump, 16_384), 1) }));
    const worst = times.sort((one, other) => other.ms - one.ms).slice(0, 12);
    for (const { pump } of worst) {
      const short = timeOf(redactByDefault, grown(pump, 16_384));
      const long = timeOf(redactByDefault, grown(pump, 16 * 16_384));
      // In quadratic time the factor is 256.
      expect(long, `${JSON.stringify(pump)}: ${short} ms, and ${long} ms for 16 times the text`).toBeLessThan(16 * short * 4 + 50);
    }
  });

  test.for(['-eyJ', 'eyJ.', '.eyJ', 'x://a:', 'password="', 'password=\\"', '-----BEGIN PRIVATE KEY-----'])(
    'take less than 2 s of processor time for 4 MB of %j',
    { timeout: 60_000 },
    (pump) => expect(timeOf(redactByDefault, grown(pump, 4 * 1_024 * 1_024), 2)).toBeLessThan(2_000),
  );
});

describe('the patterns of a user', () => {
  test.for(['(a+)+$', '(a|a)*b', '(.*a){12}b', '(?:\\w+\\s?)*!', '(x+x+)+y'])(
    'take time in proportion to the text, also those that backtrack for ever: %s',
    { timeout: 60_000 },
    async (pattern) => {
      const redact = await createRedaction(pattern, compileLinear);
      for (const pump of ['a', 'x', 'a '])
        expect(timeOf(redact, `${grown(pump, 32_768)}?`, 2), `${pattern} on ${pump}`).toBeLessThan(2_000);
    },
  );
});
