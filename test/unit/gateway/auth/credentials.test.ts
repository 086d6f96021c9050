import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createTokenFinder, findByToken, readCredentials } from '#src/gateway/auth/credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'sequent-credentials-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'credentials.json');

function read(content: unknown, env = {}, options = {}) {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return readCredentials(file, { env, ...options });
}

test('a valid token is found at each look-up, and no other token is', () => {
  const credentials = read([
    { project_id: 'p1', token: 'token number one' },
    { project_id: 'p2', token: 'token number two' },
    { project_id: 'p3', ak: 'AK', sk: 'a secret key of p3' },
  ]);
  const find = createTokenFinder(credentials);
  const tokens = [
    'token number one',
    'token number two',
    'token number on',
    'token number one ',
    'TOKEN NUMBER ONE',
    '',
    '__proto__',
    'undefined',
  ];
  const expected = [credentials[0], credentials[1], ...tokens.slice(2).map(() => undefined)];
  for (let times = 0; times < 3; times++) expect(tokens.map(find)).toEqual(expected);
});

describe('readCredentials', () => {
  test('reads keys and tokens as plain text, from the environment, and as hashes of tokens', () => {
    const sha256 = 'bfdc7f4d9f807b82e348994005dd74531891a4bff7d6f78de314fcfd51eedb78';
    const found = read(
      [
        { project_id: 'p1', ak: 'AK', sk: { env: 'SK' }, token: { sha256 } },
        { project_id: 'p1', token: { env: 'TOKEN' } },
      ],
      { SK: 'a secret key of p1', TOKEN: 'another token of p1' },
    );
    expect(found[0]).toMatchObject({ project: 'p1', accessKey: 'AK', secretKey: 'a secret key of p1' });
    expect(findByToken(found, 'a token of this test')).toBe(found[0]);
    expect(findByToken(found, 'another token of p1')).toBe(found[1]);
    expect(findByToken(found, sha256)).toBeUndefined();
    expect(findByToken(found, '')).toBeUndefined();
  });

  test.for<[string, unknown, RegExp]>([
    ['a file that is not JSON, without quoting it', '[{"sk":"very secret"', /^(?!.*very secret)[\s\S]*is not JSON/],
    ['no credential at all', [], /is not valid/],
    ['a key without its secret', [{ project_id: 'p1', ak: 'AK' }], /needs both/],
    ['an empty credential', [{ project_id: 'p1' }], /needs ak and sk, or a token/],
    ['a certificate without a demand', [{ certificate: {} }], /needs subject, san or sha256/],
    ['a certificate that demands an empty subject', [{ certificate: { subject: {} } }], /must name an attribute/],
    ['a name without its kind', [{ certificate: { san: 'billing.example' } }], /must be like DNS:billing.example/],
    [
      'one certificate twice',
      [{ certificate: { san: 'DNS:a' } }, { project_id: 'b', certificate: { san: 'DNS:a' } }],
      /one certificate twice/,
    ],
    ['an unknown field', [{ project_id: 'p1', token: 't', role: 'admin' }], /role/],
    ['an unknown role', [{ project_id: 'p1', token: 'a token of this test', roles: ['root'] }], /must be one of invoke, read/],
    ['no role at all', [{ project_id: 'p1', token: 'a token of this test', roles: [] }], /roles/],
    ['a variable that is not set', [{ project_id: 'p1', token: { env: 'NOT_SET' } }], /NOT_SET, which is not set/],
    [
      'a token that can be guessed, without quoting it',
      [{ token: 'fifteen letters' }],
      /^(?!.*fifteen letters).*a token of fewer than 16 characters/,
    ],
    [
      'a secret key that can be guessed, from the environment too',
      [{ ak: 'AK', sk: { env: 'SHORT' } }],
      /a sk of fewer than 16 characters/,
    ],
    [
      'one key twice',
      [
        { project_id: 'p1', ak: 'AK', sk: 'one secret key of p1' },
        { project_id: 'p1', ak: 'AK', sk: 'other secret key of p1' },
      ],
      /one ak twice/,
    ],
    [
      'one token of two projects, here as its hash',
      [
        { project_id: 'p1', token: 'a token of this test' },
        { project_id: 'p2', token: { sha256: 'bfdc7f4d9f807b82e348994005dd74531891a4bff7d6f78de314fcfd51eedb78' } },
      ],
      /one token twice/,
    ],
    ['an invalid project', [{ project_id: 'a.b', token: 't' }], /must be 1 to 64 letters/],
  ])('refuses %s', ([, content, why]) => {
    expect(() => read(content, { SHORT: 'secret' })).toThrow(why);
  });

  test('gives a credential without a project the configured project, else the first named one, else default', () => {
    const content = [
      { token: 'token of no project' },
      { project_id: 'p1', token: 'token of project p1' },
      { project_id: 'p2', token: 'token of project p2' },
    ];
    const projects = (found: { project: string }[]) => found.map(({ project }) => project);
    expect(projects(read(content))).toEqual(['p1', 'p1', 'p2']);
    expect(projects(read(content, {}, { project: 'p9' }))).toEqual(['p9', 'p1', 'p2']);
    expect(projects(read([{ token: 'token of no project' }]))).toEqual(['default']);
  });

  test('refuses a missing file', () => {
    expect(() => readCredentials(join(folder, 'none.json'))).toThrow('cannot be read');
  });
});
