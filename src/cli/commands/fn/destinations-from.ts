import { messageOf } from '#src/core/errors.ts';
import { usageProblem } from '../../problem.ts';

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
