import { describe, expect, test } from 'vitest';
import { createSubjectRules } from '#src/core/names/addressable.ts';
import { createFunctionTarget } from '#src/destinations/function-target.ts';
import { createTargets } from '#src/destinations/targets/create-targets.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';

/** A param is refused before a target uses a connection or a port. */
const unused = {} as never;
const targets = {
  ...createTargets({
    connections: unused,
    http: unused,
    clock: unused,
    streams: unused,
    publisher: unused,
    subjects: createSubjectRules(),
  }),
  FunctionGraph: createFunctionTarget({ log: unused, findFunction: unused, isKnown: unused, maxHops: 1, maxChain: 1, payloads: unused }),
};

describe('the targets', () => {
  test.each([
    ['OBS', '{', 'param must be a text that holds JSON'],
    ['OBS', '[]', 'param must be an object'],
    ['OBS', '{"bucket":"B"}', 'param.bucket must be'],
    ['OBS', '{"bucket":"outcomes","expires":400}', 'param.expires must be at most 365'],
    ['OBS', '{"bucket":"outcomes","buckett":""}', 'param has no field "buckett"'],
    ['SMN', '{}', 'param.topic_urn must be a string'],
    ['DIS', '{"stream_name":"a b"}', 'param.stream_name must be'],
    ['NATS', '{"subject":"a.*"}', 'param.subject must not hold white space, control characters or wildcards'],
    ['HTTP', '{"url":"file:///etc/passwd"}', 'param.url must be an http or https URL'],
    ['FunctionGraph', '{}', 'param of FunctionGraph must be {"func_urn"'],
  ] as const)('of %s refuses the param %s, and names the field', (destination, param, problem) => {
    expect(targets[destination].refuse(param, 'orders')).toContain(problem);
  });
});

describe('a definition', () => {
  const destinationsOf = (onSuccess: unknown) =>
    parseDefinition({ name: 'orders', handler: { kind: 'inline' }, policy: { onSuccess } }).policy.onSuccess;

  test('keeps the text of a param as it is, and converts an object to JSON text', () => {
    const text = '{ "bucket": "outcomes", "expires": 0 }';
    const object = { topic_urn: 'urn:smn:here:project:t' };
    const found = destinationsOf([
      { destination: 'OBS', param: text },
      { destination: 'SMN', param: object },
    ]);
    expect(found.map(({ param }) => param)).toEqual([text, JSON.stringify(object)]);
    expect(destinationsOf(undefined)).toEqual([]);
  });

  test.each([
    [[{ destination: 'obs', param: '{}' }], 'policy.onSuccess[0].destination must be one of: FunctionGraph, OBS, SMN, DIS, NATS, HTTP'],
    [[{ destination: 'OBS' }], 'policy.onSuccess[0].param must be'],
    [[{ destination: 'OBS', param: 5 }], 'policy.onSuccess[0].param must be'],
    [[{ destination: 'OBS', param: '[]' }], 'policy.onSuccess[0].param must be a text that holds a JSON object'],
    [[{ destination: 'OBS', param: '{}', extra: 1 }], 'policy.onSuccess[0] has no field "extra"'],
    [Array.from({ length: 11 }, () => ({ destination: 'DIS', param: '{}' })), 'at most 10 destinations can receive an outcome'],
  ])('with the destinations %j is refused, and the field is named', (onSuccess, problem) => {
    expect(() => destinationsOf(onSuccess)).toThrow(problem);
  });
});
