import { z } from 'zod';
import { wholeNumber } from '#machines/bounds.ts';
import { backoffSchema, type Destination, type FactOf, MAX_PAYLOAD_BYTES, type Terms } from '#machines/facts.ts';
import { isHeaderName, isHeaderValue } from '#src/core/names/headers.ts';
import { canonicalName, isFunctionName } from '#src/core/names/names.ts';
import { MAX_TAIL_BYTES, MAX_WHOLE_OUTPUT_BYTES } from '#src/core/output/tail.ts';
import { MAX_LARGE_PAYLOAD_BYTES } from '#src/core/payloads/payload-reference.ts';
import { NO_CONTROLS, withoutControls } from '#src/core/text/escape-controls.ts';
import { flowSchema } from './flow.ts';
import { runtimeMisfitInWords } from './runtimes.ts';
import { whenSchema } from './when/when.ts';

const pathInPackage = /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\\\p{Cc}\p{Bidi_Control}]{1,1024}$/u;

/** The name of a runtime, optionally with its version. */
export const runtimeSchema = z
  .string()
  .regex(
    /^(?:nodejs|python3(?:\.\d{1,2})?|custom|http|executable)$/,
    'must be nodejs, python3, a version such as python3.12, custom, http or executable',
  );

const httpStatus = z.string().regex(/^[3-5](?:xx|\d\d)$/, 'must be a status, such as 409, or a class of statuses, such as 4xx');

export const digestSchema = z.string().regex(/^[0-9a-f]{128}$/, 'must be the digest of a package: 128 hexadecimal digits');
/** The vendor's limit of the dependencies of a function. */
export const MAX_LAYERS = 20;

/** Where the code of a function is, and how it is executed. */
export const handlerSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('process'),
      /** The digest of the package that holds the code. Without a package, the file is on the worker's machine. */
      package: digestSchema.optional(),
      /** Packages whose files the code finds beside its own: its dependencies. Of files of one path, that of the later layer counts, and the code's own first. */
      layers: z.array(digestSchema).max(MAX_LAYERS).optional(),
      /** The path of a module of JavaScript, TypeScript or Python, or of an executable `bootstrap`: absolute, or inside the package. */
      file: z.string().min(1),
      /** The runtime and its version. By default, the name of the file decides. */
      runtime: runtimeSchema.optional(),
      /** The name of the exported function: `handler` in FunctionGraph's `index.handler`. */
      export: z.string().min(1).default('handler'),
      /** The name of an exported function that runs once in each process, before the first execution. */
      initializer: z.string().min(1).optional(),
    })
    .refine(({ package: digest, file }) => digest === undefined || pathInPackage.test(file), {
      path: ['file'],
      message: 'must be the path of a file inside the package, such as "index.js"',
    })
    .refine(({ package: digest, layers = [] }) => digest !== undefined || layers.length === 0, {
      path: ['layers'],
      message: 'need code in a package',
    })
    .describe('code in Node.js, Python or any other language, run in child processes of the worker'),
  z.strictObject({ kind: z.literal('inline') }).describe('a handler registered by a worker in your own process'),
  z
    .strictObject({
      kind: z.literal('subject'),
      subject: z
        .string()
        .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'must be dot-separated tokens of letters, digits, "-" and "_"')
        .max(255, 'must have at most 255 characters'),
    })
    .describe('a NATS responder in any language'),
  z
    .strictObject({
      kind: z.literal('http'),
      url: z.url({ protocol: /^https?$/, error: 'must be an address of HTTP or HTTPS' }),
      headers: z.record(z.string(), z.string()).optional(),
      statuses: z
        .strictObject({
          temporary: z.array(httpStatus).optional().describe('consume no retry; 408, 425, 429, 502, 503, 504 by default'),
          final: z.array(httpStatus).optional().describe('end the invocation without a further attempt; none by default'),
        })
        .optional()
        .describe('what the statuses of a failure mean, such as 409 or 4xx'),
    })
    .describe('an HTTP endpoint that is sent a POST'),
]);
export type Handler = z.infer<typeof handlerSchema>;

const backoffDefaults = { initialInMs: 1_000, factor: 2, maxInMs: 60_000, jitter: 0.2 };

const backoff = z
  .strictObject({
    initialInMs: backoffSchema.shape.initialInMs.default(backoffDefaults.initialInMs),
    factor: backoffSchema.shape.factor.default(backoffDefaults.factor),
    maxInMs: backoffSchema.shape.maxInMs.default(backoffDefaults.maxInMs),
    jitter: backoffSchema.shape.jitter.default(backoffDefaults.jitter),
  })
  .prefault({});

/** A destination in FunctionGraph's form. `param` is a text that holds a JSON object, and is kept unchanged. An object is accepted too. */
const destinationSchema = z.strictObject({
  destination: z.enum(['FunctionGraph', 'OBS', 'SMN', 'DIS', 'NATS', 'HTTP']),
  param: z.union([
    z.string().refine(isJsonObject, 'must be a text that holds a JSON object'),
    z.record(z.string(), z.unknown()).transform((param) => JSON.stringify(param)),
  ]),
  when: whenSchema.optional().describe('the destination gets only the outcomes for which this condition holds'),
});
export const destinationsSchema = z.array(destinationSchema).max(10, 'at most 10 destinations can receive an outcome').default([]);

/** FunctionGraph's asynchronous policy. Without one a failure of user code is not retried (SRC2). */
export const policySchema = z.strictObject({
  maxRetries: wholeNumber('the number of retries', { from: 0, to: 3 }).default(1),
  maxAgeInSeconds: wholeNumber('the age of the oldest event', { from: 1, to: 86_400, of: 'seconds' }).default(3_600),
  backoff,
  /** The destinations of a success, and of a failure (SRC3, SRC4). */
  onSuccess: destinationsSchema,
  onFailure: destinationsSchema,
  /** Accepts destinations that form a loop. A running chain is still cut (L1). */
  allowCycle: z.boolean().default(false),
});

export type Policy = z.infer<typeof policySchema>;
export type PolicyInput = z.input<typeof policySchema>;

/** The policy of a function without a configured policy. */
export const NO_POLICY: Policy = {
  maxRetries: 0,
  maxAgeInSeconds: 3_600,
  backoff: backoffDefaults,
  onSuccess: [],
  onFailure: [],
  allowCycle: false,
};

/** A function as its owner configures it. */
export const functionDefinitionSchema = z.strictObject({
  name: z
    .string()
    .overwrite(canonicalName)
    .refine(isFunctionName, 'must be 1 to 60 letters, digits, "-" or "_", start with a letter and end with a letter or digit'),
  description: z.string().max(512).default(''),
  handler: handlerSchema,
  /** The maximum time of one execution. */
  timeoutInMs: wholeNumber('the timeout', { from: 1, to: 259_200_000, of: 'milliseconds' }).default(30_000),
  /** The maximum memory of one process of the function (process handlers only). */
  memoryInMb: wholeNumber('the memory', { from: 64, to: 10_240, of: 'megabytes' }).default(256),
  /** The maximum number of executions at one moment in one worker. */
  concurrency: wholeNumber('the concurrency', { from: 1, to: 1_000, of: 'executions' }).default(20),
  /** How many attempts may run at one moment over all workers. Absent: as many as the workers have slots. */
  flow: flowSchema.optional(),
  /** The largest request payload and returned value. Above 262,144 bytes, which is the default, they are stored beside the log. */
  maxPayloadBytes: wholeNumber('the largest payload', { from: MAX_PAYLOAD_BYTES, to: MAX_LARGE_PAYLOAD_BYTES, of: 'bytes' }).optional(),
  /** How much of the output of an attempt is kept. Above 4,096 bytes, which is the default, it is stored beside the log. */
  maxOutputBytes: wholeNumber('the kept output', { from: MAX_TAIL_BYTES, to: MAX_WHOLE_OUTPUT_BYTES, of: 'bytes' }).optional(),
  /** A paused function starts no attempt. Its queued requests wait, and age. */
  paused: z.boolean().default(false),
  /** The values of `context.getUserData(key)` and of the environment of the process. */
  userData: z.record(z.string(), z.string()).default({}),
  /** The same for secrets. A reader of the function receives {@link MASK} instead of the values. */
  secretUserData: z.record(z.string(), z.string()).optional(),
  policy: policySchema.default(NO_POLICY),
});

/** A definition from outside. A stored one may be older than these rules, and is read without them. */
export const configuredDefinitionSchema = functionDefinitionSchema.superRefine(({ handler, userData, secretUserData }, context) => {
  const problems = [
    ...unusableKeys('userData', userData),
    ...unusableKeys('secretUserData', secretUserData),
    ...(handler.kind === 'process' ? [...unusablePaths(handler), ...unfittingRuntime(handler)] : []),
    ...(handler.kind === 'http' ? [...unusableHeaders(handler.headers), ...ambiguousStatuses(handler.statuses)] : []),
  ];
  for (const { path, message } of problems) context.addIssue({ code: 'custom', path, message });
});

type FieldProblem = { path: string[]; message: string };

function unusableKeys(field: string, values: Readonly<Record<string, string>> = {}): FieldProblem[] {
  const unusable = Object.keys(values).filter((key) => !withoutControls.test(key));
  return unusable.map((key) => ({ path: [field, key], message: NO_CONTROLS }));
}

function unusablePaths(handler: Extract<Handler, { kind: 'process' }>): FieldProblem[] {
  const fields = (['file', 'export', 'initializer'] as const).filter((field) => !withoutControls.test(handler[field] ?? ''));
  return fields.map((field) => ({ path: ['handler', field], message: NO_CONTROLS }));
}

/** The runtime of the name would load the file of another language, and every attempt would fail. */
function unfittingRuntime(handler: Extract<Handler, { kind: 'process' }>): FieldProblem[] {
  const misfit = runtimeMisfitInWords(handler);
  return misfit === undefined ? [] : [{ path: ['handler', 'runtime'], message: misfit }];
}

/** A single status may be in the list of one kind while its class is in the other, and counts before the class. */
function ambiguousStatuses({
  temporary = [],
  final = [],
}: {
  temporary?: string[] | undefined;
  final?: string[] | undefined;
} = {}): FieldProblem[] {
  const both = final.filter((status) => temporary.includes(status));
  return both.map((status) => ({ path: ['handler', 'statuses', 'final'], message: `has ${status}, which is in temporary too` }));
}

function unusableHeaders(headers: Readonly<Record<string, string>> = {}): FieldProblem[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const path = ['handler', 'headers', name];
    const unnamed = { path, message: 'is no name of a header: letters, digits and "-" are allowed' };
    const broken = { path, message: 'must be a text of one line, of printable ASCII characters' };
    return [...(isHeaderName(name) ? [] : [unnamed]), ...(isHeaderValue(value) ? [] : [broken])];
  });
}

export type FunctionDefinition = z.infer<typeof functionDefinitionSchema>;
/** A definition as its owner writes it: fields with a default may be absent. */
export type FunctionDefinitionInput = z.input<typeof functionDefinitionSchema>;

/** The largest payload that a function accepts and returns. An unknown function accepts no large one. */
export function maxPayloadBytesOf(definition: FunctionDefinition | undefined): number {
  return definition?.maxPayloadBytes ?? MAX_PAYLOAD_BYTES;
}

/** The default of the maximum number of hops of a chain (L1). */
export const MAX_HOPS = 16;

/** The default of the maximum number of invocations that follow from one, in all branches of its chain together (L2). */
export const MAX_CHAIN = 1_000;

/** One version of a function in the registry. The revision belongs to the whole function, and every change of the function raises it. */
export type RegisteredFunction = { definition: FunctionDefinition; revision: number; version: string };

/** Stands for a secret. A definition that is written back with this value keeps the stored secret. */
export const MASK = '******';

/** The unpublished version, which `put` changes. */
export const LATEST = 'latest';

/** All invocations of a version share one object (docs/performance.md V6). */
const terms = {
  latest: new WeakMap<RegisteredFunction, Terms>(),
  pinned: new WeakMap<RegisteredFunction, Terms>(),
  synchronous: new WeakMap<Terms, Terms>(),
};

/** For how long a synchronous invocation may wait for its attempt: the gateway waits no longer for the outcome. */
export const SYNCHRONOUS_AGE_IN_MS = 90_000;

/**
 * The terms of an invocation of this function. They name the version, except for `latest`: each attempt of such an invocation runs the
 * version that is `latest` when the attempt starts. Those of a synchronous invocation have one attempt and no destinations (SYNC1).
 */
export function termsOf(fn: RegisteredFunction, { qualifier = LATEST, synchronous }: Partial<RequestedTerms> = {}): Terms {
  const asynchronous = asynchronousTerms(fn, qualifier);
  return synchronous ? synchronousTerms(asynchronous) : asynchronous;
}

type RequestedTerms = Pick<FactOf<'queued'>, 'qualifier' | 'synchronous'>;

function synchronousTerms(asynchronous: Terms): Terms {
  const cached = terms.synchronous.get(asynchronous);
  if (cached !== undefined) return cached;
  const { onSuccess: _, onFailure: __, ...kept } = asynchronous;
  const maxAgeInMs = Math.min(kept.maxAgeInMs, SYNCHRONOUS_AGE_IN_MS);
  const made: Terms = { ...kept, maxRetries: 0, maxAgeInMs, synchronous: true };
  terms.synchronous.set(asynchronous, made);
  return made;
}

function asynchronousTerms(fn: RegisteredFunction, qualifier: string): Terms {
  const cache = qualifier === LATEST ? terms.latest : terms.pinned;
  const cached = cache.get(fn);
  if (cached !== undefined) return cached;
  const { definition, revision, version } = fn;
  const { onSuccess, onFailure } = definition.policy;
  const made: Terms = {
    revision,
    ...(qualifier === LATEST ? {} : { version }),
    timeoutInMs: definition.timeoutInMs,
    maxRetries: definition.policy.maxRetries,
    maxAgeInMs: definition.policy.maxAgeInSeconds * 1_000,
    backoff: definition.policy.backoff,
    ...(onSuccess.length === 0 ? {} : { onSuccess: onSuccess.map(withId) }),
    ...(onFailure.length === 0 ? {} : { onFailure: onFailure.map(withId) }),
  };
  cache.set(fn, made);
  return made;
}

/** The id of a destination contains its index in the list, so it changes only when the list does. */
export function withId({ destination, param, when }: Policy['onSuccess'][number], index: number): Destination {
  const id = `${destination.toLowerCase()}-${index}`;
  return { id, destination, param, ...(when === undefined ? {} : { when: JSON.stringify(when) }) };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
