import { createHash } from 'node:crypto';
import { functionDefinitionSchema, policySchema } from '#src/core/functions/definition.ts';
import { subjectOf, type Victim } from './victims.ts';

type Kind = 'process' | 'inline' | 'subject' | 'http';
type Refused = { definition: object; problem: RegExp };

const inline = { kind: 'inline' };
const failingTo = (destination: string, param: object) => ({ handler: inline, policy: { onFailure: [{ destination, param }] } });

/** The kinds of handlers, as the schema of a definition lists them. */
export const handlerKinds: string[] = functionDefinitionSchema.shape.handler.options.map(({ shape }) => shape.kind.value);
/** The kinds of destinations, as the schema of a policy lists them. */
export const destinationKinds: string[] = policySchema.shape.onSuccess.unwrap().element.shape.destination.options;

/**
 * Definitions by which another project would use something of a victim through a handler. `loopback` is a port of this machine.
 *
 * A handler of the kind `inline` names nothing.
 */
export function handlersAbout(victim: Victim, loopback: number): Record<Kind, Refused[]> {
  const digest = createHash('sha512').update(victim.archive).digest('hex');
  return {
    process: [
      { definition: { handler: { kind: 'process', package: digest, file: 'index.mjs' } }, problem: /uploaded no package/ },
      { definition: { handler: { kind: 'process', file: import.meta.filename } }, problem: /may not run files/ },
    ],
    subject: [
      { definition: { handler: { kind: 'subject', subject: subjectOf(victim, 'done') } }, problem: /rule U1/ },
      { definition: { handler: { kind: 'subject', subject: `invoke.${victim.names}done` } }, problem: /rule U1/ },
    ],
    // The address is refused when it is used, because a name can change its address.
    http: [{ definition: { handler: { kind: 'http', url: `http://127.0.0.1:${loopback}/` } }, problem: /rule U2/ }],
    inline: [],
  };
}

/** The same through a destination. Each `<names>-<kind>` is a connection of the victim. */
export function destinationsAbout(victim: Victim): Record<string, Refused[]> {
  const named = (kind: string) => ({ connection: `${victim.names}-${kind}` });
  const problem = /is not for project/;
  return {
    FunctionGraph: [
      {
        definition: failingTo('FunctionGraph', { func_urn: `urn:fss:local:${victim.project}:function:default:${victim.names}done` }),
        problem: /another project/,
      },
    ],
    NATS: [
      { definition: failingTo('NATS', { subject: subjectOf(victim, 'done') }), problem: /rule U1/ },
      { definition: failingTo('NATS', { subject: `invoke.${victim.names}done` }), problem: /rule U1/ },
    ],
    OBS: [{ definition: failingTo('OBS', { bucket: 'outcomes', ...named('obs') }), problem }],
    SMN: [{ definition: failingTo('SMN', { topic_urn: 'alerts', ...named('smn') }), problem }],
    DIS: [
      { definition: failingTo('DIS', { stream_name: 'orders', ...named('dis') }), problem },
      { definition: failingTo('DIS', { stream_name: `${victim.project}=orders` }), problem: /stream_name/ },
    ],
    HTTP: [{ definition: failingTo('HTTP', { url: 'https://hooks.example.com/', ...named('http') }), problem }],
  };
}

/** A connection of each kind for a victim alone. */
export function connectionsOf({ names, content, project }: Victim): Record<string, object> {
  const secret = { env: 'SEQUENT_MATRIX_SECRET' };
  const only = { projects: [project] };
  const endpoint = `https://${content.toLowerCase()}.example.com`;
  const keys = { accessKeyId: `${content}Key`, secretAccessKey: secret };
  return {
    [`${names}-obs`]: { kind: 'obs', endpoint, region: 'local', ...keys, ...only },
    [`${names}-smn`]: { kind: 'smn', topics: { alerts: { subscriptions: [{ protocol: 'https', endpoint, secret }] } }, ...only },
    [`${names}-dis`]: { kind: 'dis', endpoint, projectId: project, ...keys, ...only },
    [`${names}-http`]: { kind: 'http', hosts: ['hooks.example.com'], secret, ...only },
  };
}
