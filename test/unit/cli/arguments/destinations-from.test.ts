import { expect, test } from 'vitest';
import { destinationsFrom } from '#src/cli/commands/fn/definition/settings-flags.ts';

const http = { destination: 'HTTP', param: { url: 'https://ops.example/hook?a=b', connection: 'ops' } };

test.for<[string, unknown[]]>([
  ['FunctionGraph=billing:billing', [{ destination: 'FunctionGraph', param: { func_urn: 'billing:billing' } }]],
  ['HTTP=https://ops.example/hook?a=b', [{ destination: 'HTTP', param: { url: http.param.url } }]],
  [`HTTP=${JSON.stringify(http.param)}`, [http]],
  ['OBS={"bucket":"outcomes"}', [{ destination: 'OBS', param: { bucket: 'outcomes' } }]],
  [JSON.stringify(http), [http]],
  [JSON.stringify([http, http]), [http, http]],
])('a flag says a destination as %s', ([text, destinations]) => {
  expect(destinationsFrom(text, '--on-success')).toEqual(destinations);
});

test.for(['', 'HTTP', 'OBS=outcomes', 'HTTP={"url":', '{"destination":'])('a flag cannot say one as %s', (text) => {
  expect(() => destinationsFrom(text, '--on-success')).toThrow('--on-success is not a destination');
});
