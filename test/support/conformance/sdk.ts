import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FunctionGraphClient } from '@huaweicloud/huaweicloud-sdk-functiongraph';
import { openFolderOfRun } from '#test/support/cli/processes/folder-of-run.ts';

/** The keys that sign for a project. */
export type Keys = { project: string; ak: string; sk: string };

/** The result of a call of the SDK: the reply with its wire names, and the status. */
// biome-ignore lint/suspicious/noExplicitAny: the tests check the shape of a reply.
export type Reply = any;

type Method = {
  [Name in keyof FunctionGraphClient]: FunctionGraphClient[Name] extends (request?: never) => Promise<unknown> ? Name : never;
}[keyof FunctionGraphClient];

/** The vendor's SDK. Its calls accept requests as classes or, as here, as objects with the wire names. */
export type Sdk = Readonly<Record<Method, (request?: object) => Promise<Reply>>>;

/** The home folder of the SDK, which stores its application id there when it builds a client. */
export const SDK_HOME = openFolderOfRun('conformance-home');

/** Resolves the dependencies of the SDK, which the SDK's package declares. */
const core = createRequire(fileURLToPath(import.meta.resolve('@huaweicloud/huaweicloud-sdk-functiongraph')));
const CORE = '@huaweicloud/huaweicloud-sdk-core';

type Credentials = { withAk(ak: string): Credentials; withSk(sk: string): Credentials; withProjectId(project: string): Credentials };

/** Builds the SDK's client for an endpoint. */
export function sdkFor(endpoint: string, { project, ak, sk }: Keys): Sdk {
  process.env.HOME = SDK_HOME;
  // The SDK's logger prints every refused call with all headers.
  core(`${CORE}/logger/log4jLogger.js`).Logger4jInstance.level = 'off';
  const { BasicCredentials } = core(CORE) as { BasicCredentials: new () => Credentials };
  const credential = new BasicCredentials().withAk(ak).withSk(sk).withProjectId(project);
  const client = FunctionGraphClient.newBuilder()
    .withCredential(credential as never)
    .withEndpoint(endpoint)
    .build();
  const inOwnSecond = spaceEqualCalls();
  return new Proxy({} as Record<Method, (request?: object) => Promise<Reply>>, {
    get:
      (_, method: string) =>
      (request: object = {}) =>
        inOwnSecond(`${method} ${JSON.stringify(request)}`, () =>
          (Reflect.get(client, method) as (request: object) => Promise<Reply>).call(
            client,
            request instanceof EveryField ? request : { 'Content-Type': 'application/json', ...request },
          ),
        ),
  });
}

/**
 * Makes each call in a later second than the equal call before it. The SDK dates in whole seconds, so two equal calls of one second have
 * one signature. The gateway refuses the second call as a replay when that call arrives seconds later, as on a busy machine.
 */
function spaceEqualCalls(): (call: string, make: () => Promise<Reply>) => Promise<Reply> {
  const ends = new Map<string, Promise<number>>();
  return (call, make) => {
    const before = ends.get(call);
    const made = (async () => {
      if (before !== undefined) await secondAfter(await before);
      return await make();
    })();
    ends.set(call, made.then(Date.now, Date.now));
    return made;
  };
}

async function secondAfter(time: number): Promise<void> {
  const next = (Math.floor(time / 1_000) + 1) * 1_000;
  while (Date.now() < next) await delay(next - Date.now());
}

let limits = 0;
/** A limit of a list for a call that polls. The call differs from the earlier ones, so it need not wait for the next second. */
export const otherLimit = (): string => String(100 + (limits++ % 400));

/** A request with every field that a call reads. */
export class EveryField {
  constructor() {
    // biome-ignore lint/correctness/noConstructorReturn: the proxy creates each field when a call reads it.
    return new Proxy(this, { get: (_, field) => (field === 'body' ? {} : 'x') });
  }
}

/** The names of all calls of the SDK. */
export function methodsOfSdk(): Method[] {
  const notCalls = new Set(['constructor', 'getPath', 'hcClient']);
  return Object.getOwnPropertyNames(FunctionGraphClient.prototype).filter((name) => !notCalls.has(name)) as Method[];
}

/** The error that the SDK throws for an error reply. */
export type Refusal = { httpStatusCode: number; errorCode: string; errorMsg: string; requestId: string };

/** The error of a call that must be refused. */
export async function refusalOf(call: Promise<Reply>): Promise<Refusal> {
  const found = await call.then(
    (reply) => new Error(`the call was not refused: ${JSON.stringify(reply)}`),
    (error: unknown) => error,
  );
  if (typeof found === 'object' && found !== null && 'httpStatusCode' in found) return found as Refusal;
  throw found;
}
