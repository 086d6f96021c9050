import { z } from 'zod';
import { wholeNumber } from '#machines/bounds.ts';
import { backoffSchema, type Destination, type Terms } from '#machines/facts.ts';
import { isFunctionName } from '#src/core/names/names.ts';

const inPackage = /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\\\p{Cc}]{1,1024}$/u;

/** How the code of a function is reached. */
const handlerSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('process'),
      /** The package that holds the code, by its digest; every worker gets it. Without one the file is on the worker's machine. */
      package: z
        .string()
        .regex(/^[0-9a-f]{128}$/, 'must be the digest of a package: 128 hexadecimal digits')
        .optional(),
      /** A JavaScript or TypeScript module: its absolute path, or its path in the package. */
      file: z.string().min(1),
      /** The exported function: `handler`, as in FunctionGraph's `index.handler`. */
      export: z.string().min(1).default('handler'),
      /** An exported function that runs once in each process before the first execution. */
      initializer: z.string().min(1).optional(),
    })
    .refine(({ package: digest, file }) => digest === undefined || inPackage.test(file), {
      path: ['file'],
      message: 'must be the path of a file inside the package, such as "index.js"',
    })
    .describe('a Node.js handler, run in child processes of the worker'),
  z.strictObject({ kind: z.literal('inline') }).describe('a handler registered by a worker in your own process'),
  z
    .strictObject({
      kind: z.literal('subject'),
      subject: z
        .string()
        .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'must be dot-separated tokens of letters, digits, "-" and "_"')
        .max(255),
    })
    .describe('a NATS responder in any language'),
  z
    .strictObject({ kind: z.literal('http'), url: z.url({ protocol: /^https?$/ }), headers: z.record(z.string(), z.string()).optional() })
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

/**
 * A destination in FunctionGraph's own form: `param` is a text that holds JSON, kept as it is. An object is accepted too.
 */
const destinationSchema = z.strictObject({
  destination: z.enum(['FunctionGraph', 'OBS', 'SMN', 'DIS', 'NATS', 'HTTP']),
  param: z.union([
    z.string().refine(isJsonObject, 'must be a text that holds a JSON object'),
    z.record(z.string(), z.unknown()).transform((param) => JSON.stringify(param)),
  ]),
});
const destinationsSchema = z.array(destinationSchema).max(10, 'at most 10 destinations are told about an outcome').default([]);

/** FunctionGraph's asynchronous policy. Without one a failure of user code is not retried (SRC2). */
export const policySchema = z.strictObject({
  maxRetries: wholeNumber('the number of retries', { from: 0, to: 3 }).default(1),
  maxAgeInSeconds: wholeNumber('the age of the oldest event', { from: 1, to: 86_400, of: 'seconds' }).default(3_600),
  backoff,
  /** Who is told about a success, and who about a failure (SRC3, SRC4). */
  onSuccess: destinationsSchema,
  onFailure: destinationsSchema,
  /** Lets the destinations form a loop. It is still cut when running (L1). */
  allowCycle: z.boolean().default(false),
});

export type Policy = z.infer<typeof policySchema>;
export type PolicyInput = z.input<typeof policySchema>;

/** What holds where nobody configured anything. */
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
    .refine(isFunctionName, 'must be 1 to 60 letters, digits, "-" or "_", start with a letter and end with a letter or digit'),
  description: z.string().max(512).default(''),
  handler: handlerSchema,
  /** How long one execution may take. */
  timeoutInMs: wholeNumber('the timeout', { from: 1, to: 259_200_000, of: 'milliseconds' }).default(30_000),
  /** The most memory that one process of the function may use (process handlers only). */
  memoryInMb: wholeNumber('the memory', { from: 64, to: 10_240, of: 'megabytes' }).default(256),
  /** The most executions at one moment in one worker. */
  concurrency: wholeNumber('the concurrency', { from: 1, to: 1_000, of: 'executions' }).default(20),
  /** While it is paused nothing of it starts; what is queued waits, and ages. */
  paused: z.boolean().default(false),
  /** What `context.getUserData(key)` and the environment of the process hold. */
  userData: z.record(z.string(), z.string()).default({}),
  /** The same for what nobody is shown: whoever reads the function gets {@link MASK} instead of the values. */
  secretUserData: z.record(z.string(), z.string()).optional(),
  policy: policySchema.default(NO_POLICY),
});

export type FunctionDefinition = z.infer<typeof functionDefinitionSchema>;
/** The same as its owner writes it: what has a default may be left out. */
export type FunctionDefinitionInput = z.input<typeof functionDefinitionSchema>;

/** How many destinations a chain may have before it is cut, unless it is configured (L1). */
export const MAX_HOPS = 16;

/** How many invocations may follow from one through destinations, in all branches together, unless it is configured (L2). */
export const MAX_CHAIN = 1_000;

/** One version of a function as the registry holds it. The revision is that of the wholeNumber function: any change of it raises it. */
export type RegisteredFunction = { definition: FunctionDefinition; revision: number; version: string };

/** Stands for a secret. Written back, it means the secret that is there. */
export const MASK = '******';

/** The version that is not published: what `put` changes. */
export const LATEST = 'latest';

/** All invocations of a version run under the same: made for each of them it would be a good part of what they leave behind. */
const terms = { latest: new WeakMap<RegisteredFunction, Terms>(), pinned: new WeakMap<RegisteredFunction, Terms>() };

/**
 * What an invocation of this function runs under, from its first attempt on. The version is part of it unless nobody asked for
 * one: then it is `latest`, as it is when an attempt starts.
 */
export function termsOf(fn: RegisteredFunction, qualifier = LATEST): Terms {
  const known = qualifier === LATEST ? terms.latest : terms.pinned;
  const present = known.get(fn);
  if (present !== undefined) return present;
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
  known.set(fn, made);
  return made;
}

/** The id of a destination is stable as long as its place in the list is. */
function withId({ destination, param }: { destination: string; param: string }, place: number): Destination {
  return { id: `${destination.toLowerCase()}-${place}`, destination, param };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
