import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { problemJson, problemOf, usageProblem } from '#src/cli/problem.ts';
import {
  ConflictError,
  FunctionNotFoundError,
  HistoryUnavailableError,
  InvalidInputError,
  InvocationNotFoundError,
  LogFullError,
  NatsUnavailableError,
  NewerFactsError,
  NotPermittedError,
  TimedOutError,
  UnknownOutcomeError,
} from '#src/core/errors.ts';
import { InvalidConfigurationError } from '#src/main/config/configuration.ts';
import { ServerNotFoundError, ServerStartError } from '#src/main/nats-server/errors.ts';

/** An error as the NATS client throws it. */
function natsError(code: string): Error {
  return Object.assign(new Error(code), { name: 'NatsError', code });
}

/** A refusal of JetStream as the NATS client throws it. */
function refusal(code: number, err_code: number, description: string): Error {
  return Object.assign(natsError(String(code)), { api_error: { code, err_code, description } });
}

test('a projection that answers why it cannot tell is not called a missing one', () => {
  const damaged = problemOf(new HistoryUnavailableError({ why: 'database disk image is malformed', isAnswered: true }));
  expect([damaged.exitCode, damaged.what]).toEqual([6, 'the projection cannot answer now']);
  expect(damaged.remedy).not.toContain('serve --role projection');
  expect(problemOf(new HistoryUnavailableError({ why: 'no projection runs', isAbsent: true })).what).toBe('no projection answers');
});

describe('an exit code', () => {
  test.for([
    [new InvalidInputError({ field: 'x', problem: 'is bad' }), 2],
    [new InvalidConfigurationError({ problems: ['NATS_URL must be one'] }), 2],
    [usageProblem('a', 'b', 'c'), 2],
    [new FunctionNotFoundError({ name: 'x' }), 3],
    [new InvocationNotFoundError({ id: 'x' }), 3],
    [new ConflictError({ what: 'x' }), 4],
    [natsError('AUTHORIZATION_VIOLATION'), 5],
    [new NatsUnavailableError({ servers: 'x', why: 'y' }, { cause: natsError('AUTHORIZATION_VIOLATION') }), 5],
    [new NatsUnavailableError({ servers: 'x', why: 'y' }, { cause: natsError('CONNECTION_REFUSED') }), 6],
    [new ServerNotFoundError({ tried: [], commands: [] }), 6],
    [new ServerStartError({ dataDir: 'x', why: 'y' }), 6],
    [natsError('CONNECTION_CLOSED'), 6],
    [natsError('503'), 6],
    [refusal(400, 10025, 'invalid json: json: unknown field "replicas"'), 1],
    [refusal(503, 10023, 'insufficient resources'), 1],
    [natsError('MAX_PAYLOAD_EXCEEDED'), 1],
    [new TimedOutError({ what: 'x', afterMs: 1 }), 7],
    [new UnknownOutcomeError({ id: 'x', waitedInMs: 1 }), 7],
    [new LogFullError({ why: 'x' }), 1],
    [new NotPermittedError({ message: 'x' }), 5],
    [natsError('PERMISSIONS_VIOLATION'), 5],
    [new NewerFactsError({ sequence: 1, version: 2, known: 1 }), 1],
    [new TypeError('a defect'), 1],
    ['thrown text', 1],
    [undefined, 1],
  ] as const)('of %s is %i', ([thrown, expected]) => {
    const { exitCode, what, why, remedy } = problemOf(thrown);
    expect(exitCode).toBe(expected);
    for (const part of [what, why, remedy]) expect(part).not.toBe('');
  });

  test.for([
    [refusal(400, 10025, 'invalid json: json: unknown field "replicas"'), 'NATS refused a request'],
    [refusal(503, 10023, 'insufficient resources'), 'NATS refused a request'],
    [natsError('MAX_PAYLOAD_EXCEEDED'), 'a request to NATS failed'],
    [natsError('CONNECTION_CLOSED'), 'NATS does not answer'],
    [natsError('PERMISSIONS_VIOLATION'), 'NATS does not permit this'],
    [new NotPermittedError({ message: 'x' }, { cause: natsError('PERMISSIONS_VIOLATION') }), 'NATS does not permit this'],
    [natsError('TIMEOUT'), 'NATS does not answer'],
    [natsError('503'), 'NATS does not answer'],
  ] as const)('of %s is reported as: %s', ([thrown, expected]) => {
    expect(problemOf(thrown).what).toBe(expected);
  });

  test('of a refusal has the reason of the server', () => {
    expect(problemOf(refusal(503, 10023, 'insufficient resources')).why).toBe('insufficient resources (JetStream error 10023)');
  });

  test.for(['', 'no/such/file', 'x'.repeat(5_000), 'package.json/below'])(
    'of a path that cannot be read names a part of it: %#',
    (path) => {
      const problem = problemOf(caughtFrom(() => readFileSync(path)));
      expect(problem).toMatchObject({ code: 'USAGE', exitCode: 2, what: 'a file or a folder cannot be used' });
      expect(problem.why).toMatch(/^"[^"]{0,201}": [a-z ]+ \(E\w+\)$/);
    },
  );

  test('ends also for a circular chain of causes', () => {
    const circular = new Error('round');
    circular.cause = circular;
    expect(problemOf(circular).exitCode).toBe(1);
  });
});

describe('a problem as JSON', () => {
  test('is one line, also with line breaks in a value', () => {
    const json = problemJson(problemOf(new InvalidInputError({ field: 'a\r\nb', problem: '\u0000' })));
    expect(json.split('\n')).toHaveLength(1);
    expect(JSON.parse(json)).toMatchObject({ code: 'INVALID_INPUT', exit_code: 2 });
  });
});

function caughtFrom(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
