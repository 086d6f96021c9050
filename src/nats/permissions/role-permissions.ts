import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { ALL_RESULTS, HISTORY_GROUP, SEQUENT_SUBJECTS as of } from '#src/core/names/subjects.ts';
import {
  AUDIT,
  CODE_BUCKET,
  DELIVERIES_CONSUMER,
  DIS_RECORDS,
  FUNCTIONS_BUCKET,
  GATEWAY_BUCKET,
  INVOCATIONS,
  RESULTS,
  SIGNATURES,
  STATE_BUCKET,
} from '#src/nats/wire/topology.ts';
import { CODE_STREAM, JetStreamOperations, kv } from './jetstream-operations.ts';

/** The users that a NATS with permissions needs: clients, the roles of `sequent serve`, and operators. */
export const PERMISSION_ROLES = [
  'producer',
  'consumer',
  'history',
  'operator',
  'worker',
  'scheduler',
  'destinations',
  'projection',
  'janitor',
  'gateway',
  'responders',
] as const;
export type PermissionRole = (typeof PERMISSION_ROLES)[number];

/** What a user may do. All lists are allow-lists. `allowResponses`: it may reply to the messages that it receives. */
export type Permissions = { publish: string[]; subscribe: string[]; allowResponses: boolean };

/** `project` limits a client to one project. `domain` is the JetStream domain that the user names. */
export type PermissionOptions = { project?: string | undefined; domain?: string | undefined };

/**
 * The whole set of permissions of a role, from one table.
 *
 * The sets prevent mistakes. A holder of `CONSUMER.CREATE` can make JetStream deliver to any subject, so a client that is not trusted gets
 * the set of a producer or a consumer, which contain no part of JetStream's API.
 */
export function permissionsOf(role: PermissionRole, { project, domain }: PermissionOptions = {}): Permissions {
  const table = new Table(domain);
  const inbox = `${inboxPrefixOf(role, isClient(role) ? project : undefined)}.>`;
  const { publish, subscribe = [], allowResponses = false } = table.rows(project)[role];
  return { publish: unique(publish), subscribe: unique([inbox, ...subscribe]), allowResponses };
}

/** Whether a project limits the permissions of the role. */
export function isClient(role: PermissionRole): role is 'producer' | 'consumer' {
  return role === 'producer' || role === 'consumer';
}

type Row = { publish: string[]; subscribe?: string[]; allowResponses?: boolean };

/** The losses of the log, which every role records. */
const LOSSES = `${STATE_BUCKET}.log.losses`;
const services = ['$SRV.PING', '$SRV.INFO', '$SRV.STATS', '$SRV.*.sequent-roles', '$SRV.*.sequent-roles.*'];
const historyServices = ['$SRV.*.sequent-history', '$SRV.*.sequent-history.*'];
const questions = [`${HISTORY_GROUP}.*`, `${HISTORY_GROUP}.*.*`];
const requests = [of.invoke, of.invokeOf];
/** What Sequent's own users publish: requests of clients, and derived requests. */
const allRequests = [...requests, of.derived];
const results = [of.result, of.resultOf];
/** A user with no permission to publish would need a deny-list. No subject of Sequent has this name. */
const NOTHING = '_none_';

class Table {
  readonly #js: JetStreamOperations;

  constructor(domain: string | undefined) {
    this.#js = new JetStreamOperations(domain);
  }

  rows(project: string | undefined): Record<PermissionRole, Row> {
    return {
      producer: { publish: project === undefined ? requests : [`invoke.${project}.*`] },
      consumer: { publish: [NOTHING], subscribe: [project === undefined ? ALL_RESULTS : `result.${project}.>`] },
      history: {
        publish: [
          ...this.#js.client(),
          `${HISTORY_GROUP}.*`,
          '$SRV.PING.sequent-history',
          of.findRequest,
          ...this.#js.messages(INVOCATIONS),
        ],
      },
      operator: this.#operator(),
      worker: this.#worker(),
      scheduler: this.#scheduler(),
      destinations: this.#destinations(),
      projection: this.#projection(),
      janitor: this.#janitor(),
      gateway: this.#gateway(),
      responders: { publish: ['fn.>'] },
    };
  }

  #operator(): Row {
    return {
      publish: [
        ...this.#js.client(),
        ...this.#js.infos(RESULTS, kv(FUNCTIONS_BUCKET), kv(STATE_BUCKET), CODE_STREAM, DIS_RECORDS, kv(GATEWAY_BUCKET), SIGNATURES.name),
        ...this.#js.bucket(STATE_BUCKET),
        ...this.#js.messages(INVOCATIONS),
        ...this.#js.follows(INVOCATIONS),
        ...this.#js.consumersOf(INVOCATIONS),
        ...this.#js.calls('CONSUMER.DURABLE.CREATE', `${INVOCATIONS}.*`),
        ...this.#js.calls('CONSUMER.LIST', INVOCATIONS),
        `$JS.ACK.${INVOCATIONS}.*.>`,
        ...this.#js.follows(RESULTS),
        ...this.#js.infos(AUDIT),
        ...this.#js.follows(AUDIT),
        ...this.#js.packages(),
        `$O.${CODE_BUCKET}.>`,
        ...this.#js.writesTo(`${FUNCTIONS_BUCKET}.>`, LOSSES),
        ...allRequests,
        of.invocation,
        of.wake,
        of.deliver,
        of.erase,
        of.cancel,
        of.findRequest,
        of.checkDestination,
        ...questions,
        '$SRV.PING.*',
        '$SRV.INFO.*',
      ],
      subscribe: results,
    };
  }

  #worker(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.calls('CONSUMER.DURABLE.CREATE', `${INVOCATIONS}.*`),
        ...this.#js.calls('CONSUMER.CREATE', `${INVOCATIONS}.>`),
        ...this.#js.calls('CONSUMER.INFO', `${INVOCATIONS}.*`),
        ...this.#js.calls('CONSUMER.MSG.NEXT', `${INVOCATIONS}.*`),
        `$JS.ACK.${INVOCATIONS}.*.>`,
        ...this.#js.follows(RESULTS),
        ...this.#js.consumersOf(RESULTS),
        ...this.#js.packages(),
        ...this.#js.calls('STREAM.NAMES'),
        ...this.#js.writesTo(`${STATE_BUCKET}.floor.*`, `${STATE_BUCKET}.hints.key`, `${STATE_BUCKET}.uid.*`, LOSSES),
        // A worker in the user's own process delivers to functions, and defines its own.
        ...allRequests,
        ...this.#js.writesTo(`${FUNCTIONS_BUCKET}.>`),
        of.invocation,
        ...results,
        of.deliver,
        of.wake,
        of.runs,
        of.cancel,
        'fn.>',
      ],
      // Replies of responders arrive here, unless these have a user of their own.
      subscribe: [`${inboxPrefixOf('responders')}.>`, ...services, of.runs, of.cancel],
      allowResponses: true,
    };
  }

  #scheduler(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.follows(INVOCATIONS),
        ...this.#js.calls('CONSUMER.INFO', `${INVOCATIONS}.*`),
        ...this.#js.follows(RESULTS),
        ...this.#js.consumersOf(RESULTS),
        ...this.#js.packages(),
        ...this.#js.calls('STREAM.NAMES'),
        ...this.#js.calls('STREAM.PURGE', CODE_STREAM),
        ...this.#js.calls('STREAM.UPDATE', INVOCATIONS),
        `$O.${CODE_BUCKET}.M.>`,
        ...this.#js.writesTo(`${STATE_BUCKET}.scheduler.>`, `${STATE_BUCKET}.hints.key`, LOSSES),
        of.invocation,
        ...results,
        of.wake,
        of.deliver,
        of.runs,
      ],
      subscribe: [...services, of.findRequest],
      allowResponses: true,
    };
  }

  #destinations(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.calls('CONSUMER.CREATE', `${INVOCATIONS}.${DELIVERIES_CONSUMER}.>`),
        ...this.#js.calls('CONSUMER.DURABLE.CREATE', `${INVOCATIONS}.${DELIVERIES_CONSUMER}`),
        ...this.#js.calls('CONSUMER.INFO', `${INVOCATIONS}.${DELIVERIES_CONSUMER}`),
        ...this.#js.calls('CONSUMER.MSG.NEXT', `${INVOCATIONS}.${DELIVERIES_CONSUMER}`),
        `$JS.ACK.${INVOCATIONS}.${DELIVERIES_CONSUMER}.>`,
        ...this.#js.infos(DIS_RECORDS),
        ...this.#js.calls('STREAM.CREATE', DIS_RECORDS),
        ...this.#js.calls('STREAM.NAMES'),
        ...this.#js.writesTo(`${STATE_BUCKET}.floor.${DELIVERIES_CONSUMER}`, `${STATE_BUCKET}.hints.key`, LOSSES),
        of.invocation,
        ...allRequests,
        of.deliver,
        of.disRecord,
        of.runs,
        'fn.>',
      ],
      subscribe: [...services, of.checkDestination, of.runs],
      allowResponses: true,
    };
  }

  #projection(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.follows(INVOCATIONS),
        ...this.#js.writesTo(`${STATE_BUCKET}.projection.*`, `${STATE_BUCKET}.hints.key`, LOSSES),
      ],
      subscribe: [...services, ...historyServices, ...questions],
      allowResponses: true,
    };
  }

  #janitor(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.follows(INVOCATIONS),
        ...this.#js.consumersOf(INVOCATIONS),
        ...this.#js.calls('CONSUMER.LIST', INVOCATIONS),
        ...this.#js.follows(RESULTS),
        ...this.#js.consumersOf(RESULTS),
        ...this.#js.bucket(STATE_BUCKET),
        ...[INVOCATIONS, RESULTS].flatMap((stream) => [
          ...this.#js.calls('STREAM.PURGE', stream),
          ...this.#js.calls('STREAM.MSG.DELETE', stream),
        ]),
        ...this.#js.writesTo(`${STATE_BUCKET}.>`),
        of.erase,
      ],
      subscribe: services,
      allowResponses: true,
    };
  }

  #gateway(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.infos(kv(GATEWAY_BUCKET), SIGNATURES.name, AUDIT, DIS_RECORDS),
        ...this.#js.follows(AUDIT),
        ...this.#js.follows(INVOCATIONS),
        ...this.#js.consumersOf(INVOCATIONS),
        ...this.#js.calls('CONSUMER.LIST', INVOCATIONS),
        ...this.#js.bucket(GATEWAY_BUCKET),
        ...this.#js.follows(SIGNATURES.name),
        ...this.#js.packages(),
        ...this.#js.calls('STREAM.NAMES'),
        `$O.${CODE_BUCKET}.>`,
        ...this.#js.writesTo(`${GATEWAY_BUCKET}.>`, `${FUNCTIONS_BUCKET}.>`, `${STATE_BUCKET}.hints.key`, LOSSES),
        of.signatures,
        of.audit,
        ...questions,
        of.findRequest,
        of.checkDestination,
        '$SRV.PING.*',
        '$SRV.INFO.*',
        ...allRequests,
        of.invocation,
        of.wake,
        of.deliver,
        of.cancel,
        ...results,
      ],
      subscribe: [...services, ...results],
      allowResponses: true,
    };
  }
}

function unique(subjects: readonly string[]): string[] {
  return [...new Set(subjects)];
}
