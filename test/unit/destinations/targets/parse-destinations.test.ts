import { describe, expect, test } from 'vitest';
import { parseDestinations } from '#src/destinations/targets/parse-destinations.ts';

describe('parseDestinations', () => {
  test('keeps the text of a param as it is', () => {
    const param = '{ "bucket": "outcomes", "expires": 0 }';
    expect(parseDestinations({ destination: 'OBS', param })).toEqual([{ destination: 'OBS', param }]);
  });

  test('converts a param that is an object to JSON text', () => {
    expect(parseDestinations([{ destination: 'SMN', param: { topic_urn: 'urn:smn:here:project:t' } }])).toEqual([
      { destination: 'SMN', param: '{"topic_urn":"urn:smn:here:project:t"}' },
    ]);
  });

  test('accepts one destination, several or none', () => {
    const one = { destination: 'FunctionGraph', param: '{"func_urn":"urn:fss:here:p:function:default:test2:latest"}' };
    expect(parseDestinations(undefined)).toEqual([]);
    expect(parseDestinations(null)).toEqual([]);
    expect(parseDestinations(one)).toEqual([one]);
    expect(parseDestinations([one, one])).toEqual([one, one]);
  });

  test.each([
    [{ destination: 'obs', param: '{}' }, 'onSuccess.destination must be one of FunctionGraph, OBS, SMN, DIS, NATS, HTTP'],
    [[{ destination: 'RocketMQ', param: '{}' }], 'onSuccess[0].destination must be one of FunctionGraph, OBS, SMN, DIS, NATS, HTTP'],
    [{ destination: 'OBS' }, 'onSuccess.param must be a text that holds JSON, or an object'],
    [{ destination: 'OBS', param: 5 }, 'onSuccess.param must be a text that holds JSON, or an object'],
    [{ destination: 'OBS', param: '{' }, 'onSuccess.param must be a text that holds JSON'],
    [{ destination: 'OBS', param: '[]' }, 'onSuccess.param is not valid: Invalid input: expected object, received array'],
    [
      [
        { destination: 'OBS', param: '{"bucket":"outcomes"}' },
        { destination: 'OBS', param: { bucket: 'B' } },
      ],
      'onSuccess[1].param.bucket must be',
    ],
    [{ destination: 'OBS', param: { bucket: 'outcomes', expires: 400 } }, 'onSuccess.param.expires is not valid: Too big'],
    [{ destination: 'OBS', param: { bucket: 'outcomes', buckett: '' } }, 'onSuccess.param is not valid: Unrecognized key: "buckett"'],
    [{ destination: 'DIS', param: { stream_name: 'a b' } }, 'onSuccess.param.stream_name must be'],
    [
      { destination: 'NATS', param: { subject: 'a.*' } },
      'onSuccess.param.subject must not hold white space, control characters or wildcards',
    ],
    [{ destination: 'HTTP', param: { url: 'file:///etc/passwd' } }, 'onSuccess.param.url must be an http or https URL'],
    [{ destination: 'FunctionGraph', param: {} }, 'onSuccess.param.func_urn is not valid'],
    [{ destination: 'OBS', param: '{}', extra: 1 }, 'onSuccess is not valid: Unrecognized key: "extra"'],
    ['OBS', 'onSuccess is not valid'],
    [
      Array.from({ length: 11 }, () => ({ destination: 'DIS', param: '{"stream_name":"a"}' })),
      'onSuccess must not have more than 10 destinations',
    ],
  ])('refuses %j and names the field', (input, problem) => {
    expect(() => parseDestinations(input, 'onSuccess')).toThrow(problem);
  });
});
