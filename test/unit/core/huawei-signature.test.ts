import { describe, expect, test } from 'vitest';
import { canonicalPath, canonicalQuery, sha256 } from '#src/core/huawei-signature.ts';
import { signByHuawei } from '#src/destinations/targets/huawei/huawei-signature.ts';
import { isSignedBy, parseAuthorization } from '#src/gateway/auth/signature.ts';

describe("Huawei's canonical request", () => {
  test('orders a query by names and then by values, not by the joined text', () => {
    expect(canonicalQuery('a-b=2&a=1&a=0&b')).toBe('a=0&a=1&a-b=2&b=');
  });

  test.for([
    ['', '/'],
    ['/v2/topics', '/v2/topics/'],
    ['/v2/a%3Ab/', '/v2/a%3Ab/'],
    ['/a:b', '/a%3Ab/'],
    ["/it's(1)*!", '/it%27s%281%29%2A%21/'],
  ] as const)('encodes the path "%s" as "%s"', ([path, canonical]) => expect(canonicalPath(path)).toBe(canonical));

  test('throws for a path or query that cannot be decoded', () => {
    expect(() => canonicalPath('/%zz')).toThrow(URIError);
    expect(() => canonicalQuery('a=%zz')).toThrow(URIError);
  });
});

test('the gateway accepts a destination’s signature, and refuses it with any part changed', () => {
  const keys = { accessKeyId: 'AK', secretAccessKey: 'SK' };
  const url = 'https://smn.example/v2/urn:smn:1/publish?a-b=2&a=1&text=x+y';
  const body = '{"message":"ä"}';
  const headers = signByHuawei({ method: 'POST', url, headers: { 'content-type': 'application/json' }, body }, keys, Date.now());
  const request = {
    method: 'POST',
    path: new URL(url).pathname,
    query: new URL(url).search.slice(1),
    header: (name: string) => headers[name],
  };
  const authorization = parseAuthorization(headers.authorization ?? '');
  if (authorization === undefined) throw new Error('the header cannot be read');
  const accepts = (part: Partial<typeof request>, sent = body) =>
    isSignedBy({ ...request, ...part }, { authorization, secretKey: keys.secretAccessKey }, sha256(sent));
  expect(accepts({})).toBe(true);
  expect(accepts({ method: 'PUT' })).toBe(false);
  expect(accepts({ path: '/v2/urn:smn:2/publish' })).toBe(false);
  expect(accepts({ query: 'a-b=2&a=2&text=x+y' })).toBe(false);
  expect(accepts({}, '{}')).toBe(false);
});
