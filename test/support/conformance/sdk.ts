import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FunctionGraphClient } from '@huaweicloud/huaweicloud-sdk-functiongraph';

/** Whoever signs for a project. */
export type Keys = { project: string; ak: string; sk: string };

/** What a call of the SDK resolves to: the reply with its wire names, and the status. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of a reply is what the tests look at.
export type Reply = any;

type Method = {
  [Name in keyof FunctionGraphClient]: FunctionGraphClient[Name] extends (request?: never) => Promise<unknown> ? Name : never;
}[keyof FunctionGraphClient];

/** The vendor's own SDK. Its calls take requests as classes or, as here, as objects with the names on the wire. */
export type Sdk = Readonly<Record<Method, (request?: object) => Promise<Reply>>>;

/** Where the SDK keeps its application id: building a client writes into the home of whoever runs it. */
export const SDK_HOME = join(tmpdir(), `sequent-conformance-home-${process.pid}`);

/** What the SDK is built on; its package declares it. */
const core = createRequire(fileURLToPath(import.meta.resolve('@huaweicloud/huaweicloud-sdk-functiongraph')));
const CORE = '@huaweicloud/huaweicloud-sdk-core';

type Credentials = { withAk(ak: string): Credentials; withSk(sk: string): Credentials; withProjectId(project: string): Credentials };

/** Builds the SDK's client for an endpoint. */
export function sdkFor(endpoint: string, { project, ak, sk }: Keys): Sdk {
  process.env.HOME = SDK_HOME;
  // It prints every refused call, with all its headers.
  core(`${CORE}/logger/log4jLogger.js`).Logger4jInstance.level = 'off';
  const { BasicCredentials } = core(CORE) as { BasicCredentials: new () => Credentials };
  const credential = new BasicCredentials().withAk(ak).withSk(sk).withProjectId(project);
  const client = FunctionGraphClient.newBuilder()
    .withCredential(credential as never)
    .withEndpoint(endpoint)
    .build();
  return new Proxy({} as Record<Method, (request?: object) => Promise<Reply>>, {
    get:
      (_, method: string) =>
      (request: object = {}) =>
        (Reflect.get(client, method) as (request: object) => Promise<Reply>).call(
          client,
          request instanceof EveryField ? request : { 'Content-Type': 'application/json', ...request },
        ),
  });
}

/** A request that has every field that a call asks for. */
export class EveryField {
  constructor() {
    // biome-ignore lint/correctness/noConstructorReturn: a field is there when it is asked for.
    return new Proxy(this, { get: (_, field) => (field === 'body' ? {} : 'x') });
  }
}

/** Every call that the SDK has. */
export function methodsOfSdk(): Method[] {
  const notCalls = new Set(['constructor', 'getPath', 'hcClient']);
  return Object.getOwnPropertyNames(FunctionGraphClient.prototype).filter((name) => !notCalls.has(name)) as Method[];
}

/** What the SDK throws for a reply that is an error. */
export type Refusal = { httpStatusCode: number; errorCode: string; errorMsg: string; requestId: string };

/** The error of a call that must fail. */
export async function refusalOf(call: Promise<Reply>): Promise<Refusal> {
  const found = await call.then(
    (reply) => new Error(`it was not refused: ${JSON.stringify(reply)}`),
    (error: unknown) => error,
  );
  if (typeof found === 'object' && found !== null && 'httpStatusCode' in found) return found as Refusal;
  throw found;
}
