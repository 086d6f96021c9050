import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { FACTS_VERSION, MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import { batchSchema } from '#src/core/log/requests/request-messages.ts';
import { appendSchema, header } from '#src/nats/wire/codec.ts';

/**
 * npm run contract writes docs/asyncapi.json: every subject that a user may publish to or subscribe to, in AsyncAPI 3. The schemas are those
 * with which Sequent reads its messages. test/unit/repository/contract.test.ts compares the file, and
 * test/integration/nats/contract.test.ts validates the messages of a real run with it.
 */

type Schema = { readonly [key: string]: unknown };

const text = { type: 'string' };
const pattern = (source: RegExp, description: string): Schema => ({ type: 'string', pattern: source.source, description });

const parameters = {
  function: { description: 'The name of the function; `<package>:<name>` outside of the package `default`.' },
  project: { description: 'The id of a project other than the own one.' },
  outcome: { enum: ['succeeded', 'failed'] },
  stream: { description: 'The id of a stream: the facts of the invocations that were accepted together.' },
  dis: { description: 'The name of the DIS stream.' },
};

const requestHeaders: Schema = {
  type: 'object',
  properties: {
    [header.requestId]: pattern(
      /^[A-Za-z0-9_-]{1,64}$/,
      'The id of the invocation, and its idempotency key: a repeated one starts nothing.',
    ),
    [header.qualifier]: pattern(
      /^!?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,40}[A-Za-z0-9])?$/,
      'A version, or `!` and an alias. Without it: `latest`.',
    ),
    [header.deliverAt]: {
      ...text,
      description: 'When it is due: a time with its zone, milliseconds since the epoch, or a delay such as `+10m`.',
    },
    [header.flowKey]: { ...text, minLength: 1, description: 'The key of the flow of the function.' },
    [header.priority]: pattern(/^[0-9]$/, 'How urgent it is while requests wait for a slot: 0 (least) to 9; by default 4.'),
    [header.memberOf]: { ...text, description: 'The batch that the request belongs to.' },
    [header.traceparent]: { ...text, description: 'W3C Trace Context.' },
  },
};

const executionHeaders: Schema = {
  type: 'object',
  required: ['Request-Id', 'Function-Urn', 'Attempt'],
  properties: {
    'Request-Id': text,
    'Function-Urn': text,
    Attempt: pattern(/^[1-9][0-9]*$/, 'The number of the execution, from 1.'),
    traceparent: text,
    'Request-Count': { ...text, description: 'The number of the requests of a debounced group.' },
    'Request-Ids': { ...text, description: 'The ids of these requests, with commas.' },
  },
};

const acknowledgement: Schema = {
  type: 'object',
  description: 'The answer of JetStream. Only an answer with `seq` means that the request is durable.',
  properties: {
    stream: text,
    seq: { type: 'integer', description: 'The sequence of the request in the log.' },
    domain: text,
    duplicate: { type: 'boolean' },
    error: { type: 'object', properties: { code: { type: 'integer' }, err_code: { type: 'integer' }, description: text } },
  },
  anyOf: [{ required: ['stream', 'seq'] }, { required: ['error'] }],
};

/** The keys in the type are checked by the compiler: a key that is added to the envelope is added here. */
const envelope = closed<Envelope>({
  timestamp: { ...text, format: 'date-time', description: 'When the request was accepted.' },
  request_context: closed<Envelope['request_context']>({
    request_id: text,
    function_urn: text,
    condition: { ...text, description: 'Empty for a success: docs/conditions.md.' },
    approximate_invoke_count: { type: 'integer', minimum: 0 },
  }),
  request_payload: text,
  response_context: closed<Envelope['response_context']>({ status_code: { type: 'integer' }, function_error: text }),
  response_payload: text,
});

function closed<Shape extends object>(properties: Record<keyof Shape & string, Schema>): Schema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

function schemaOf(schema: z.ZodType): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
  return rest;
}

/** What Sequent and its users say to each other, by the name of the message. */
export const messages = {
  request: {
    summary: 'One request. The payload is the event, as it is; an empty one is `{}`.',
    headers: requestHeaders,
    payload: { description: `JSON text of at most ${MAX_PAYLOAD_BYTES} bytes.` },
  },
  requests: {
    summary: 'Several requests in one message. The header `Batch` is the id of their stream.',
    headers: {
      type: 'object',
      required: [header.batch],
      properties: { [header.batch]: text, [header.deliverAt]: text, [header.memberOf]: text },
    },
    payload: schemaOf(batchSchema),
  },
  acknowledgement: { summary: 'The reply to a request that was sent as a NATS request.', payload: acknowledgement },
  result: {
    summary: 'The outcome of an invocation. It may arrive twice, and is kept for 24 hours.',
    headers: { type: 'object', required: [header.requestId], properties: { [header.requestId]: text } },
    payload: envelope,
  },
  transition: { summary: 'One append: facts of one stream that were stored together, in their order.', payload: schemaOf(appendSchema) },
  execution: { summary: 'One execution of a function behind a subject. The payload is the event.', headers: executionHeaders, payload: {} },
  executed: {
    summary: 'The answer of a responder. With one of the headers it is a failure of the function.',
    headers: {
      type: 'object',
      properties: { 'Nats-Service-Error-Code': text, 'Nats-Service-Error': text, 'Function-Error': text, 'Retry-After': text },
    },
    payload: {},
  },
  disRecord: {
    summary: 'A delivery to a destination of the kind DIS. `data` is the envelope in Base64.',
    headers: {
      type: 'object',
      required: ['Nats-Msg-Id'],
      properties: { 'Nats-Msg-Id': { ...text, description: 'The id of the delivery.' } },
    },
    payload: closed<{ partition_key: string; data: string; timestamp: number }>({
      partition_key: text,
      data: text,
      timestamp: { type: 'number' },
    }),
  },
} satisfies Record<string, { summary: string; headers?: Schema; payload: Schema }>;

type MessageName = keyof typeof messages;

type Channel = {
  address: string;
  takes: (keyof typeof parameters)[];
  messages: MessageName[];
  action: 'send' | 'receive';
  reply?: MessageName;
};

/** `action` is that of Sequent: it receives requests. */
const channels: Record<string, Channel> = {
  invoke: {
    address: 'invoke.{function}',
    takes: ['function'],
    messages: ['request', 'requests'],
    action: 'receive',
    reply: 'acknowledgement',
  },
  invokeOfProject: {
    address: 'invoke.{project}.{function}',
    takes: ['project', 'function'],
    messages: ['request', 'requests'],
    action: 'receive',
    reply: 'acknowledgement',
  },
  result: { address: 'result.{function}.{outcome}', takes: ['function', 'outcome'], messages: ['result'], action: 'send' },
  resultOfProject: {
    address: 'result.{project}.{function}.{outcome}',
    takes: ['project', 'function', 'outcome'],
    messages: ['result'],
    action: 'send',
  },
  transition: { address: 'invocation.{function}.{stream}', takes: ['function', 'stream'], messages: ['transition'], action: 'send' },
  responder: { address: '{subject}', takes: [], messages: ['execution'], action: 'send', reply: 'executed' },
  dis: { address: 'dis.{dis}', takes: ['dis'], messages: ['disRecord'], action: 'send' },
};

/** The document. */
export function contractDocument(): Schema {
  const reference = (channel: string, message: MessageName) => ({ $ref: `#/channels/${channel}/messages/${message}` });
  const ownReplies = Object.entries(channels).filter(([, { reply }]) => reply !== undefined);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Sequent on NATS',
      version: `${FACTS_VERSION}.0.0`,
      description:
        'Any NATS client publishes requests and subscribes to results. Transitions and records need the rights of a role: docs/security.md. ' +
        'A later version may add fields and kinds of facts, so a reader ignores what it does not know.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: { local: { host: '127.0.0.1:4222', protocol: 'nats', description: '`npm start`' } },
    defaultContentType: 'application/json',
    channels: Object.fromEntries([
      ...Object.entries(channels).map(([name, { address, takes, messages: named }]) => [
        name,
        {
          address,
          messages: Object.fromEntries(named.map((message) => [message, { $ref: `#/components/messages/${message}` }])),
          parameters: Object.fromEntries(
            name === 'responder'
              ? [['subject', { description: 'The subject in the definition of the function.' }]]
              : takes.map((parameter) => [parameter, parameters[parameter]]),
          ),
        },
      ]),
      // The address of a reply is the inbox of the request.
      ...ownReplies.map(([name, { reply }]) => [
        `${name}Reply`,
        { messages: { [reply as string]: { $ref: `#/components/messages/${reply}` } } },
      ]),
    ]),
    operations: Object.fromEntries(
      Object.entries(channels).map(([name, { action, messages: named, reply }]) => [
        name,
        {
          action,
          channel: { $ref: `#/channels/${name}` },
          messages: named.map((message) => reference(name, message)),
          ...(reply === undefined
            ? {}
            : { reply: { channel: { $ref: `#/channels/${name}Reply` }, messages: [reference(`${name}Reply`, reply)] } }),
        },
      ]),
    ),
    components: { messages: Object.fromEntries(Object.entries(messages).map(([name, message]) => [name, { name, ...message }])) },
  };
}

/** The text of docs/asyncapi.json. */
export const contractText = (): string => `${JSON.stringify(contractDocument(), null, 2)}\n`;

const file = fileURLToPath(new URL('../docs/asyncapi.json', import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, contractText());
