import { describe, expect, test } from 'vitest';
import { createRedaction, redactByDefault } from '#src/core/output/redaction.ts';
import { compileLinear } from '#src/hosts/linear-patterns.ts';

/** Each line without its secret, which is between the marks. */
const secrets = [
  'Authorization: Bearer «abcdefghijklmnop.qrst»',
  'Authorization: Basic «dXNlcjpodW50ZXIy»',
  '{"authorization":"Bearer «abcdefghijklmnopqrstuvwx»"}',
  'sent bearer «0123456789abcdef0123»',
  'got «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9»',
  'key «AKIAIOSFODNN7EXAMPLE» of AWS',
  'key «HPUA1234567890ABCDEF» of Huawei',
  'aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»',
  'AK=«short-ak»&SK=«a-secret»',
  'login with password=«hunter2» failed',
  '{"user":"ada","dbPassword":«"hun \\" ter2"»,"n":1}',
  "{ password: «'hunter2'», user: 'ada' }",
  '{"request":"{\\"password\\":«\\"hunter2\\"»,\\"n\\":1}"}',
  'https://x.example/cb?token=«abc123»&state=1',
  '{"token":«"abc"»}',
  'X-Auth-Token: «MIIabc»',
  'connecting to postgres://app:«hunter2»@db:5432/shop',
  '-----BEGIN RSA PRIVATE KEY-----«\nMIIE\nabc\n»-----END RSA PRIVATE KEY----- after',
  '-----BEGIN PRIVATE KEY-----«\nMIIE without an end»',
];
const harmless = [
  'token: expired',
  'Unexpected token } in JSON at position 4',
  'Bearer authentication is not supported',
  'task: done, risk: low, ask: 3',
  'the password was changed',
  'https://x.example/a?b=c and http://localhost:3000/path@2',
  '{"level":30,"msg":"ready","pid":1}',
];

describe('redaction', () => {
  test.for(secrets)('hides the secret alone in: %s', (line) => {
    expect(redactByDefault(line.replaceAll(/[«»]/g, ''))).toBe(line.replaceAll(/«[^»]*»/g, '[redacted]'));
  });

  test.for(harmless)('leaves a harmless line as it is: %s', (line) => {
    expect(redactByDefault(line)).toBe(line);
  });

  test('uses the patterns of a file, and drops the default patterns that the file names', async () => {
    const redact = await createRedaction('# cards\n\\b\\d{16}\\b\n!url\n', compileLinear);
    expect(redact('card 4111111111111111, password=x, nats://a:b@c')).toBe('card [redacted], password=[redacted], nats://a:b@c');
  });

  test.for([
    ['ok\n(', 'line 2 of the file is no regular expression of RE2'],
    ['(?<=key )\\w+', 'line 1 of the file is no regular expression of RE2, which has neither lookaround nor back-references'],
    ['x*', 'line 1 of the file matches the empty text'],
    ['!nothing', 'line 1 of the file drops no default pattern; these are private-key, authorization, bearer, jwt'],
  ])('refuses the lines %j: %s', async ([lines, problem]) => {
    await expect(createRedaction(lines ?? '', compileLinear, 'the file')).rejects.toThrow(problem);
  });

  test('hides each of several web tokens, and none that is too short or has two parts', () => {
    const part = 'eyJ0123456789';
    const token = `${part}.${part}.sig_-`;
    expect(redactByDefault(`a.${token}.b.x-${token} ${token}, ${part}.${part} ${part}.eyJ01.sig x${token}`)).toBe(
      `a.[redacted].b.x-[redacted] [redacted], ${part}.${part} ${part}.eyJ01.sig x${token}`,
    );
    expect(redactByDefault(`${part}.${part}.`)).toBe('[redacted]');
    expect(redactByDefault(`.eyJ.${'-eyJ'.repeat(9)}.${part}.${part}.s`)).toBe('.eyJ.-[redacted].s');
  });
});
