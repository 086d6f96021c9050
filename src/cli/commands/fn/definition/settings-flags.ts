import { keyAndValue } from '#src/cli/arguments/key-and-value.ts';
import type { PolicyFlags } from '#src/cli/arguments/policy-flags.ts';
import { messageOf } from '#src/core/errors.ts';
import type { FunctionDefinition, Policy } from '#src/core/functions/definition.ts';
import { usageProblem } from '../../../problem.ts';
import { withoutAbsent } from './package-from.ts';

/** The flags that name fields of a definition other than the handler. */
export type SettingsFlags = {
  description?: string;
  timeout?: number;
  memory?: number;
  concurrency?: number;
  maxPayload?: number;
  maxOutput?: number;
  flowConcurrency?: number;
  flowRate?: object;
  flowKey?: string;
  flowTotal?: number;
  flowPool?: string;
  flowDebounceWait?: string;
  flowDebounceMaxWait?: string;
  flowDebounceKeep?: string;
  flowOrder?: string;
  flowAging?: string;
  flowOnRetry?: string;
  userData?: string[];
  unset?: string[];
} & PolicyFlags;

type Fields = Record<string, unknown>;

/**
 * The fields that flags name, as `mergeDefinition` reads them. `present` is the function before the change, if there is one.
 *
 * Throws `CommandError` for a flag of a flow without a limit, and for `--unset` of a field that the function does not have.
 */
export function settingsFrom(name: string, flags: SettingsFlags, present: FunctionDefinition | undefined): Fields {
  const { description, timeout, memory, concurrency, maxPayload, maxOutput, userData, unset = [] } = flags;
  const named = withoutAbsent({
    description,
    timeoutInMs: timeout,
    memoryInMb: memory,
    concurrency,
    maxPayloadBytes: maxPayload,
    maxOutputBytes: maxOutput,
    flow: flowFrom(name, flags, present),
    userData: userData && Object.fromEntries(userData.map((pair) => keyAndValue(pair, '--user-data'))),
    policy: policyFrom(flags, present?.policy),
  });
  for (const field of unset) removeField(named, { field, name, present });
  return named;
}

/** Without any of these flags the flow stays as it is. */
function flowFrom(name: string, flags: SettingsFlags, present: FunctionDefinition | undefined): Fields | undefined {
  const { flowConcurrency: concurrency, flowRate: rate, flowKey: key, flowTotal: total, flowPool: pool } = flags;
  const { flowOrder: order, flowAging: aging, flowOnRetry: onRetry } = flags;
  const { flowDebounceWait: wait, flowDebounceMaxWait: maxWait, flowDebounceKeep: keep } = flags;
  const debounce = orAbsent(withoutAbsent({ wait, maxWait, keep }));
  const named = orAbsent(withoutAbsent({ concurrency, rate, debounce, key, total, pool, order, aging, onRetry }));
  const isLimited = present?.flow !== undefined || [concurrency, rate, wait].some((value) => value !== undefined);
  if (named === undefined || isLimited) return named;
  throw usageProblem(`"${name}" cannot be defined`, 'its flow has no limit', '--flow-concurrency 1 or --flow-rate 100/1s');
}

/**
 * The fields of a policy that flags name; `undefined` when they name none. A new policy has no retry unless a flag names a number.
 *
 * The longest wait before a retry is at least the first one.
 */
export function policyFrom(flags: PolicyFlags, present: Policy | undefined): Fields | undefined {
  const { maxRetries, maxAge, backoff, maxBackoff, onSuccess, onFailure, allowCycle } = flags;
  const isTooLong = backoff !== undefined && backoff > (present?.backoff.maxInMs ?? 60_000);
  const named = orAbsent(
    withoutAbsent({
      maxRetries,
      maxAgeInSeconds: maxAge === undefined ? undefined : Math.ceil(maxAge / 1_000),
      backoff: orAbsent(withoutAbsent({ initialInMs: backoff, maxInMs: maxBackoff ?? (isTooLong ? backoff : undefined) })),
      onSuccess: onSuccess?.flatMap((text) => destinationsFrom(text, '--on-success')),
      onFailure: onFailure?.flatMap((text) => destinationsFrom(text, '--on-failure')),
      allowCycle,
    }),
  );
  return named === undefined || present !== undefined ? named : { maxRetries: 0, ...named };
}

function orAbsent(fields: Fields): Fields | undefined {
  return Object.keys(fields).length === 0 ? undefined : fields;
}

type Removed = { field: string; name: string; present: FunctionDefinition | undefined };

/** Names a field with `null`, which removes it. The key of user data may contain dots. */
function removeField(named: Fields, { field, name, present }: Removed): void {
  const path = /^(userData|secretUserData)\.(.+)$/s.exec(field)?.slice(1) ?? field.split('.');
  if (['name', 'handler', 'paused'].includes(path[0] ?? '') || valueAt(present, path) === undefined) {
    const why = `it has no field ${field} that can be removed`;
    throw usageProblem(`"${name}" cannot be changed`, why, `sequent fn get ${name} --json, which shows its fields`);
  }
  let target = named;
  for (const key of path.slice(0, -1)) {
    target[key] ??= {};
    target = target[key] as Fields;
  }
  target[path.at(-1) ?? ''] = null;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, key) => (Object.hasOwn(Object(part), key) ? (part as Fields)[key] : undefined), value);
}

/** The parameter of each destination that has only one. */
const paramKeys: Record<string, string> = { FunctionGraph: 'func_urn', HTTP: 'url', NATS: 'subject', DIS: 'stream_name' };

/**
 * Reads one destination as `FunctionGraph=<urn>`, `HTTP=<url>`, `NATS=<subject>`, `DIS=<stream>` or `<name>=<param as JSON>`; or
 * one or more destinations as JSON.
 */
export function destinationsFrom(text: string, flag: string): unknown[] {
  if (/^\s*[[{]/.test(text)) return [parse(text, flag)].flat();
  const [kind = '', ...rest] = text.split('=');
  const value = rest.join('=');
  if (value.startsWith('{')) return [{ destination: kind, param: parse(value, flag) }];
  const key = Object.hasOwn(paramKeys, kind) ? paramKeys[kind] : undefined;
  if (key === undefined || rest.length === 0) throw unreadable(flag, `"${text}" has an unknown form`);
  return [{ destination: kind, param: { [key]: value } }];
}

function parse(text: string, flag: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable(flag, messageOf(cause));
  }
}

function unreadable(flag: string, why: string): Error {
  return usageProblem(
    `${flag} is not a destination`,
    why,
    `${flag} FunctionGraph=<urn>, HTTP=<url>, NATS=<subject>, DIS=<stream>, OBS={"bucket": …}, or JSON with "destination" and "param"`,
  );
}
