import { usageProblem } from '../../problem.ts';
import { destinationsFrom } from './destinations-from.ts';
import { existingFile } from './read-definitions.ts';

export type DefinitionFlags = {
  file?: string;
  handler?: string;
  initializer?: string;
  subject?: string;
  url?: string;
  inline?: true;
  description?: string;
  timeout?: number;
  memory?: number;
  concurrency?: number;
  userData?: string[];
  maxRetries?: number;
  maxAge?: number;
  backoff?: number;
  maxBackoff?: number;
  onSuccess?: string[];
  onFailure?: string[];
  allowCycle?: true;
};

/** A function definition in the words of the flags; what they do not say is left to the schema. */
export async function definitionFromFlags(name: string, flags: DefinitionFlags): Promise<object> {
  const { description, timeout, memory, concurrency, userData } = flags;
  return present({
    name,
    description,
    handler: await handlerFrom(name, flags),
    timeoutInMs: timeout,
    memoryInMb: memory,
    concurrency,
    userData: userData === undefined ? undefined : Object.fromEntries(userData.map(pairOf)),
    policy: policyFrom(flags),
  });
}

async function handlerFrom(name: string, { file, handler, initializer, subject, url, inline }: DefinitionFlags): Promise<object> {
  const given = [file, subject, url, inline].filter((value) => value !== undefined);
  if (given.length !== 1) {
    const why = given.length === 0 ? 'nothing says how its code is reached' : 'its code can be reached in one way only';
    throw usageProblem(`"${name}" cannot be defined`, why, 'one of --file, --subject, --url, --inline; or a .json file');
  }
  if (subject !== undefined) return { kind: 'subject', subject };
  if (url !== undefined) return { kind: 'http', url };
  if (file === undefined) return { kind: 'inline' };
  // FunctionGraph writes a handler with its file, as in index.handler.
  return present({
    kind: 'process',
    file: await existingFile(file, process.cwd()),
    export: handler?.split('.').at(-1),
    initializer: initializer?.split('.').at(-1),
  });
}

/** Without any flag about them there is no policy, and so no retry. */
function policyFrom({ maxRetries, maxAge, backoff, maxBackoff, onSuccess, onFailure, allowCycle }: DefinitionFlags): object | undefined {
  const given = [maxRetries, maxAge, backoff, maxBackoff, onSuccess, onFailure, allowCycle];
  if (given.every((value) => value === undefined)) return undefined;
  return present({
    maxRetries: maxRetries ?? 0,
    maxAgeInSeconds: maxAge === undefined ? undefined : Math.ceil(maxAge / 1_000),
    backoff: present({ initialInMs: backoff, maxInMs: maxBackoff ?? (backoff === undefined ? undefined : Math.max(backoff, 60_000)) }),
    onSuccess: onSuccess?.flatMap((text) => destinationsFrom(text, '--on-success')),
    onFailure: onFailure?.flatMap((text) => destinationsFrom(text, '--on-failure')),
    allowCycle,
  });
}

function pairOf(text: string): [string, string] {
  const [key = '', ...rest] = text.split('=');
  if (key === '' || rest.length === 0)
    throw usageProblem('--user-data cannot be read', `"${text}" is not key=value`, '--user-data REGION=eu');
  return [key, rest.join('=')];
}

function present(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
