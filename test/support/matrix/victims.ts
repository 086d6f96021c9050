import { createHash } from 'node:crypto';
import { headers } from 'nats';
import type { SequentClient } from '#src/client/client.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { PROJECT } from '#test/support/gateway/running-gateway.ts';

/** A project whose functions, invocations and packages the caller of the matrix must not reach. */
export type Victim = {
  project: string;
  /** Begins each of its names and ids, which the caller knows. */
  names: string;
  /** Stands in each of its contents, which the caller does not know. */
  content: string;
  /** The function of this bare name, as the registry names it. */
  token(bare: string): string;
  /** Names, ids, URNs and digests that the caller tries in each position. */
  values: readonly string[];
  /** A package with code of the victim. */
  archive: Uint8Array;
  /** Texts that no reply to another project contains. */
  secrets: readonly string[];
};

/** Functions of each victim by the state of their invocation. Each invocation has the id `<names>-<state>`. */
const STATES = ['done', 'failed', 'running', 'delayed', 'queued'] as const;
type State = (typeof STATES)[number];

export const nameOf = ({ names }: Pick<Victim, 'names'>, state: State | 'code'): string => `${names}${state}`;
export const idOf = ({ names }: Pick<Victim, 'names'>, state: State): string => `${names}-${state}`;
/** The first token of the subjects of a victim's responders. */
export const subjectOf = ({ project }: Pick<Victim, 'project'>, state: string): string => `fn.${project}.${state}`;

/** A victim of each kind: the own project of the gateway, and another project. */
export const OWN = await victimOf('own', PROJECT, undefined);
export const OTHER = await victimOf('other', 'acme', 'acme');
/** A project that does not exist. A reply about a victim must equal the reply about this project. */
export const GHOST = await victimOf('ghost', 'ghost', 'ghost');

async function victimOf(label: string, project: string, prefix: string | undefined): Promise<Victim> {
  const named = { project, names: `Xq7${label}`, content: `Zk9${label}` };
  const code = `export const handler = () => '${named.content} code'; // ${createHash('sha512').update(label).digest('base64')}`;
  const archive = await writeZip([{ path: 'index.mjs', content: Buffer.from(code) }]);
  const urn = `urn:fss:local:${project}:function:default:${nameOf(named, 'done')}`;
  return {
    ...named,
    archive,
    secrets: [named.content, base64(code).slice(0, 60), base64(archive).slice(40, 100)],
    token: (bare) => (prefix === undefined ? bare : `${prefix}=${bare}`),
    values: [
      nameOf(named, 'failed'),
      `${project}=${nameOf(named, 'done')}`,
      `${urn}:v1`,
      `${urn}:!live`,
      idOf(named, 'failed'),
      idOf(named, 'running'),
      createHash('sha512').update(archive).digest('hex'),
    ],
  };
}

function base64(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64');
}

/** Answers for all functions of the victims. Returns the subjects that were asked. */
export function answerFor(victims: readonly Victim[], { nats }: Connection): string[] {
  const asked: string[] = [];
  for (const { project, content } of victims) {
    nats.subscribe(`fn.${project}.*`, {
      callback: (_, message) => {
        asked.push(message.subject);
        const state = message.subject.split('.').at(-1);
        if (state === 'done') message.respond(JSON.stringify(`${content} result`));
        if (state !== 'failed' && state !== 'delayed') return;
        const failed = headers();
        failed.set('Function-Error', `${content} error`);
        message.respond(JSON.stringify({ errorMessage: `${content} message`, errorType: `${content}Type` }), { headers: failed });
      },
    });
  }
  return asked;
}

/** Defines the functions of a victim, and brings one invocation into each state. */
export async function establish(client: SequentClient, victim: Victim): Promise<void> {
  const { content, token } = victim;
  const texts = { description: `${content} description`, userData: { KEY: `${content} user data` } };
  const secrets = { secretUserData: { SECRET: `${content} secret` } };
  await client.packages.put(victim.archive, projectOf(token('code')));
  const digest = createHash('sha512').update(victim.archive).digest('hex');
  const process = { kind: 'process', package: digest, file: 'index.mjs' };
  await client.functions.put({ name: token(nameOf(victim, 'code')), handler: process, ...texts, ...secrets });
  // A destination that is deleted meanwhile makes a dead letter.
  const gone = token(`${victim.names}gone`);
  await client.functions.put({ name: gone, handler: { kind: 'inline' } });
  for (const state of STATES) {
    const onFailure = state === 'failed' ? [{ destination: 'FunctionGraph', param: { func_urn: `${victim.names}gone` } }] : [];
    const backoff = { initialInMs: 3_600_000, maxInMs: 3_600_000 };
    await client.functions.put({
      name: token(nameOf(victim, state)),
      handler: { kind: 'subject', subject: subjectOf(victim, state) },
      timeoutInMs: 3_600_000,
      paused: state === 'queued',
      policy: { maxRetries: state === 'delayed' ? 1 : 0, maxAgeInSeconds: 86_400, backoff, onFailure },
      ...texts,
      ...secrets,
    });
  }
  const done = token(nameOf(victim, 'done'));
  await client.functions.publish(done, { version: 'v1', description: `${content} version` });
  await client.functions.putAlias(done, { name: 'live', version: 'v1', description: `${content} alias` });
  await client.functions.delete(gone);
  const payload = JSON.stringify({ [content]: `${content} payload` });
  for (const state of STATES) await client.invokeText(token(nameOf(victim, state)), payload, { id: idOf(victim, state) });
  const expected = { done: 'notified', failed: 'notified', running: 'running', delayed: 'retrying', queued: 'queued' };
  for (const state of STATES) {
    const owner = { function: token(nameOf(victim, state)) };
    const recorded = () => client.history.get(idOf(victim, state), owner);
    await eventually(() =>
      recorded().then(
        (found) => found.state === expected[state],
        () => false,
      ),
    );
  }
}
