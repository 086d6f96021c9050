import { z } from 'zod';
import { isProjectId } from '#src/core/names/names.ts';
import { secretSchema } from './secret.ts';

/** The schema of a connection: the agency of SRC5, which permits Sequent to use a service. Its secrets are references. */

const projects = z.array(z.string().refine(isProjectId, 'must be the id of a project')).min(1).optional();

const reach = {
  /** The projects that may use the connection; every project by default. */
  projects,
  /** Permits addresses that are not public: a private network, this machine. */
  allowPrivate: z.boolean().default(false),
  /** How long one request may take, from the connection to the end of the answer. */
  timeoutInMs: z.int().min(100).max(60_000).default(10_000),
};

/** An address that the operator chose, so its port and its protocol are allowed. */
const endpoint = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .refine(isPlainUrl, 'must not hold a user, a password or a fragment');
const name = z.string().trim().min(1, 'must not be empty');
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~\dA-Za-z-]{1,100}$/, 'must be the name of a header')
  .regex(/^(?!(?:host|connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive)$)/i, 'is set by Sequent alone');

const obs = z.strictObject({
  kind: z.literal('obs'),
  endpoint,
  /** By default taken from an endpoint such as `obs.<region>.myhuaweicloud.com`. */
  region: name.optional(),
  accessKeyId: z.union([name, secretSchema]),
  secretAccessKey: secretSchema,
  /** True: the bucket is part of the path. False: the bucket precedes the host. An IP address as the host always means the path. */
  forcePathStyle: z.boolean().default(false),
  ...reach,
});

const webhook = { endpoint, secret: secretSchema };
const subscription = z.discriminatedUnion('protocol', [
  z.strictObject({ protocol: z.literal('https'), ...webhook }),
  z.strictObject({ protocol: z.literal('http'), ...webhook }),
  z.strictObject({ protocol: z.literal('email'), endpoint: z.email('must be an e-mail address') }),
]);
export type Subscription = z.output<typeof subscription>;

const smtp = z.strictObject({
  host: name,
  port: z.int().min(1).max(65_535),
  /** True: TLS from the first byte. False: the connection is upgraded to TLS when the server offers it. */
  secure: z.boolean().default(false),
  user: name.optional(),
  password: secretSchema.optional(),
  from: z.email('must be an e-mail address'),
  /** Sends no mail over an unencrypted connection. True by default when there is a password. */
  requireTls: z.boolean().optional(),
});
export type Smtp = z.output<typeof smtp>;

/** Where a service of Huawei Cloud is, and who calls it. */
const service = {
  /** By default the vendor's public endpoint in the region. */
  endpoint: endpoint.optional(),
  region: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, 'must be the id of a region, such as "cn-north-4"')
    .optional(),
  projectId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the id of a project'),
  accessKeyId: z.union([name, secretSchema]).optional(),
  secretAccessKey: secretSchema.optional(),
  token: secretSchema.optional(),
};
const PLACE_MISSING = { path: ['region'], message: 'must be there, or else "endpoint"' };
const CREDENTIAL_MISSING = { path: ['token'], message: 'must be there, or else both "accessKeyId" and "secretAccessKey"' };

/** Either topics of Sequent's own, or the vendor's service. */
const smn = z
  .strictObject({
    kind: z.literal('smn'),
    topics: z.record(name, z.strictObject({ subscriptions: z.array(subscription).min(1).max(100) })).optional(),
    smtp: smtp.optional(),
    ...service,
    projectId: service.projectId.optional(),
    /** The topics of the vendor's service that functions may publish to; by default those that the credential may. */
    topicUrns: z.array(name).min(1).max(1_000).optional(),
    ...reach,
  })
  .superRefine((given, context) => {
    const issues =
      given.topics === undefined ? issuesOfService(given) : [...issuesOfTopics(given.topics, given.smtp), ...mixedFields(given)];
    for (const { path, message } of issues) context.addIssue({ code: 'custom', path, message });
  });

type Issue = { path: (string | number)[]; message: string };
type Topics = Readonly<Record<string, { subscriptions: readonly Subscription[] }>>;

function issuesOfService(
  given: Parameters<typeof hasOneCredential>[0] & { region?: unknown; endpoint?: unknown; projectId?: unknown },
): Issue[] {
  if (!hasPlace(given)) return [{ path: ['topics'], message: 'must be there, or else "region" or "endpoint"' }];
  if (given.projectId === undefined) return [{ path: ['projectId'], message: 'must be there, with "region" or "endpoint"' }];
  return hasOneCredential(given) ? [] : [CREDENTIAL_MISSING];
}

function mixedFields(given: object): Issue[] {
  const fields = Object.entries(given).flatMap(([field, value]) => (value === undefined ? [] : [field]));
  const message = 'belongs to the service of the vendor, and "topics" to Sequent: keep one of them';
  return fields.filter((field) => field in service || field === 'topicUrns').map((field) => ({ path: [field], message }));
}

function issuesOfTopics(topics: Topics, smtp: Smtp | undefined): Issue[] {
  return Object.entries(topics).flatMap(([topic, { subscriptions }]) =>
    subscriptions.flatMap(({ protocol, endpoint }, index): Issue[] => {
      const path = ['topics', topic, 'subscriptions', index];
      if (protocol === 'email') return smtp === undefined ? [{ path, message: 'needs "smtp" in the connection' }] : [];
      const isOfProtocol = endpoint.toLowerCase().startsWith(`${protocol}:`);
      return isOfProtocol ? [] : [{ path: [...path, 'endpoint'], message: `must be an ${protocol} URL, as its protocol says` }];
    }),
  );
}

const dis = z
  .strictObject({ kind: z.literal('dis'), ...service, ...reach })
  .refine(hasPlace, PLACE_MISSING)
  .refine(hasOneCredential, CREDENTIAL_MISSING);

/** A host, or `*.` and a host: every host below that host. */
const hostPattern = z
  .string()
  .regex(
    /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$|^\[[0-9a-f:.]+\]$/,
    'must be a host in lower case, such as "hooks.example.com" or "*.example.com"',
  );

const http = z.strictObject({
  kind: z.literal('http'),
  /** The hosts that requests may go to. Required with a secret or headers, because users choose the URL that receives them. */
  hosts: z.array(hostPattern).min(1).max(100).optional(),
  /** Signs requests by Standard Webhooks (`whsec_…`). During a rotation the text holds several secrets, separated by white space. */
  secret: secretSchema.optional(),
  headers: z.record(headerName, z.union([z.string().regex(/^[\x20-\x7e]{0,1024}$/), secretSchema])).default({}),
  /** Permits http URLs. */
  allowHttp: z.boolean().default(false),
  /** Allowed ports in addition to 443 and 8443 (80 and 8080 for http). */
  ports: z.array(z.int().min(1).max(65_535)).max(100).default([]),
  ...reach,
});
const safeHttp = http.superRefine(({ headers, secret, hosts }, context) => {
  if (hosts === undefined && (secret !== undefined || Object.keys(headers).length > 0)) {
    const message = 'must name the hosts that may get the secret and the headers, such as ["hooks.example.com"]';
    context.addIssue({ code: 'custom', path: ['hosts'], message });
  }
  for (const [header, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || !/auth|cookie|token|key|secret|password|signature/i.test(header)) continue;
    const message = 'must be a reference, {"env": "NAME"} or {"file": "/path"}: a secret in plain text is refused';
    context.addIssue({ code: 'custom', path: ['headers', header], message });
  }
});

export const connectionSchema = z.discriminatedUnion('kind', [obs, smn, dis, safeHttp]);
export type Connection = z.output<typeof connectionSchema>;
export type ConnectionKind = Connection['kind'];
export type ConnectionOf<Kind extends ConnectionKind> = Extract<Connection, { kind: Kind }> &
  (Kind extends 'http' ? LoopbackReach : unknown);
/** Of the default connection only: whether URLs may name the loopback interface. */
type LoopbackReach = { allowLoopback?: true };

/** The fields that a connection lacks; by default an example of the whole connection. */
export type HintWanted = { name: string; kind: ConnectionKind; functionName: string | undefined; fields?: object };

export type Picked<Kind extends ConnectionKind> =
  | { kind: 'picked'; name: string; connection: ConnectionOf<Kind> }
  | { kind: 'missing'; problem: string };

/** The named connections that this process may use. */
export interface Connections {
  /**
   * The connection of a name and a kind, or the sentence that says why the function's project may not use it (SRC5). The name is the kind
   * by default. Without a function the project is not checked.
   */
  pick<Kind extends ConnectionKind>(kind: Kind, name?: string, functionName?: string): Picked<Kind>;
  has(name: string): boolean;
  names(): { name: string; kind: ConnectionKind }[];
  /** The end of a sentence that refuses a destination: what an operator writes in which file. Empty when there is no place to name. */
  hint(wanted: HintWanted): string;
}

/** True for a text that is no URL: the rule before this one refuses it. */
function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, hash } = new URL(text);
  return username === '' && password === '' && hash === '';
}

function hasPlace({ endpoint, region }: { endpoint?: unknown; region?: unknown }): boolean {
  return endpoint !== undefined || region !== undefined;
}

function hasOneCredential(given: { accessKeyId?: unknown; secretAccessKey?: unknown; token?: unknown }): boolean {
  const keys = [given.accessKeyId, given.secretAccessKey].filter((key) => key !== undefined).length;
  return given.token === undefined ? keys === 2 : keys === 0;
}
