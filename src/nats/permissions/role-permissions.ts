import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { ALL_RESULTS, HISTORY_GROUP, SEQUENT_SUBJECTS as of, stormSubject, subjects } from '#src/core/names/subjects.ts';
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
export function isClient(role: PermissionRole): role is 'producer' | 'consumer' | 'history' {
  return role === 'producer' || role === 'consumer' || role === 'history';
}

type Row = { publish: string[]; subscribe?: string[]; allowResponses?: boolean };

/** The wrapped data keys of projects. */
const DATA_KEYS = `${STATE_BUCKET}.data-key.>`;
/** The losses of the log, which every role records. */
const LOSSES = `${STATE_BUCKET}.log.losses`;
/** A purge is the record of its erasure. */
const BULKS = [`${STATE_BUCKET}.bulk.*`, `${STATE_BUCKET}.erasure.*`];
const everyService = ['$SRV.PING.*', '$SRV.INFO.*'];
const services = ['$SRV.PING', '$SRV.INFO', '$SRV.STATS', '$SRV.*.sequent-roles', '$SRV.*.sequent-roles.*'];
const historyServices = ['$SRV.*.sequent-history', '$SRV.*.sequent-history.*'];
const questions = [`${HISTORY_GROUP}.*`, `${HISTORY_GROUP}.*.*`];
const requests = [of.invoke, of.invokeOf];
/** What Sequent's own users publish: requests of clients, and derived requests. */
const allRequests = [...requests, of.derived];
const results = [of.result, of.resultOf];
/** The server tells a user its account. */
const OWN_USER = '$SYS.REQ.USER.INFO';
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
      consumer: { publish: [NOTHING], subscribe: [project === undefined ? ALL_RESULTS : `result.${project}.*.*`] },
      history: { publish: project === undefined ? this.#wholeHistory() : [`${HISTORY_GROUP}.project.${project}.*`] },
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

  /** JetStream's API reads every message of the log, so only the history of all projects has it. */
  #wholeHistory(): string[] {
    const asked = [`${HISTORY_GROUP}.*`, '$SRV.PING.sequent-history', of.findRequest];
    return [...this.#js.client(), ...asked, ...this.#js.messages(INVOCATIONS)];
  }

  #operator(): Row {
    return {
      publish: [
        ...this.#js.client(),
        ...this.#js.infos(RESULTS, kv(FUNCTIONS_BUCKET), kv(STATE_BUCKET), CODE_STREAM, DIS_RECORDS, kv(GATEWAY_BUCKET), SIGNATURES.name),
        ...[...this.#js.bucket(STATE_BUCKET), ...this.#js.ledgerToRead()],
        ...this.#js.messages(INVOCATIONS),
        ...this.#js.follows(INVOCATIONS),
        ...this.#js.consumersOf(INVOCATIONS),
        ...this.#js.calls('CONSUMER.DURABLE.CREATE', `${INVOCATIONS}.*`),
        ...this.#js.calls('CONSUMER.LIST', INVOCATIONS),
        ...this.#js.acknowledges('*'),
        ...[...this.#js.follows(RESULTS), ...this.#js.calls('CONSUMER.LIST', RESULTS)],
        ...[...this.#js.infos(AUDIT), ...this.#js.follows(AUDIT), ...this.#js.storesObjects()],
        ...this.#js.writesTo(`${FUNCTIONS_BUCKET}.>`, DATA_KEYS, LOSSES, `${STATE_BUCKET}.erasure.*`),
        ...this.#js.erases(kv(FUNCTIONS_BUCKET), kv(STATE_BUCKET)),
        ...this.#js.calls('CONSUMER.LIST', kv(FUNCTIONS_BUCKET)),
        ...allRequests,
        of.invocation,
        of.wake,
        of.deliver,
        ...[of.erase, of.audit, of.cancel, of.liveOutput, of.findRequest, of.checkDestination, of.askConnections],
        ...questions,
        ...everyService,
        OWN_USER,
      ],
      subscribe: [...results, stormSubject('*')],
      allowResponses: true,
    };
  }

  #worker(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.calls('CONSUMER.CREATE', `${INVOCATIONS}.>`),
        ...this.#js.pullsFrom('*'),
        ...[...this.#js.follows(INVOCATIONS), ...this.#js.calls('CONSUMER.NAMES', INVOCATIONS), of.work, of.covered],
        ...[...this.#js.packages(), ...this.#js.storesPayloads()],
        ...[...this.#js.calls('STREAM.NAMES'), ...this.#js.ledger()],
        ...this.#js.writesTo(`${STATE_BUCKET}.floor.>`, `${STATE_BUCKET}.hints.key`, `${STATE_BUCKET}.uid.*`, DATA_KEYS, LOSSES),
        // A worker in the user's own process delivers to functions, and defines its own.
        ...allRequests,
        ...this.#js.writesTo(`${FUNCTIONS_BUCKET}.>`),
        ...this.#js.erases(kv(FUNCTIONS_BUCKET), kv(STATE_BUCKET)),
        ...this.#js.calls('CONSUMER.LIST', kv(FUNCTIONS_BUCKET)),
        ...this.#audit(),
        of.checkDestination,
        of.invocation,
        ...[...results, ...this.#js.readsResults()],
        of.deliver,
        of.wake,
        of.runs,
        of.cancel,
        'fn.>',
      ],
      // Replies of responders arrive here, unless these have a user of their own.
      subscribe: [`${inboxPrefixOf('responders')}.>`, ...services, of.runs, of.cancel, of.liveOutput, of.work],
      allowResponses: true,
    };
  }

  #scheduler(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.follows(INVOCATIONS),
        ...[...this.#js.opensWorkConsumers(), of.work, ...this.#js.writesTo(`${STATE_BUCKET}.floor.>`)],
        ...this.#js.packages(),
        ...this.#js.calls('STREAM.NAMES'),
        ...this.#js.calls('STREAM.PURGE', CODE_STREAM),
        ...this.#js.calls('STREAM.UPDATE', INVOCATIONS),
        ...[`$O.${CODE_BUCKET}.M.>`, ...this.#js.removesPayloads(), ...this.#js.ledger()],
        ...this.#js.writesTo(`${STATE_BUCKET}.scheduler.>`, `${STATE_BUCKET}.hints.key`, LOSSES),
        ...this.#audit(),
        of.invocation,
        ...[...results, ...this.#js.readsResults(), of.derived, of.cancel], // Outcomes, and the requests and the cancellations of schedules.
        of.wake,
        of.deliver,
        ...[of.runs, ...questions], // The history counts the members of batches.
      ],
      subscribe: [...services, of.findRequest, of.covered],
      allowResponses: true,
    };
  }

  #destinations(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.calls('CONSUMER.CREATE', `${INVOCATIONS}.${DELIVERIES_CONSUMER}.>`),
        ...this.#js.pullsFrom(DELIVERIES_CONSUMER),
        ...this.#js.infos(DIS_RECORDS),
        ...this.#js.calls('STREAM.CREATE', DIS_RECORDS),
        ...this.#js.calls('STREAM.NAMES'),
        ...this.#js.writesTo(
          `${STATE_BUCKET}.floor.${DELIVERIES_CONSUMER}`,
          `${STATE_BUCKET}.floor.${DELIVERIES_CONSUMER}.proved`,
          `${STATE_BUCKET}.hints.key`,
          LOSSES,
        ),
        of.invocation,
        ...allRequests,
        of.deliver,
        ...[...results, ...this.#js.readsResults()],
        of.disRecord,
        of.runs,
        'fn.>',
        ...this.#audit(),
      ],
      subscribe: [...services, of.checkDestination, of.askConnections, of.runs],
      allowResponses: true,
    };
  }

  #projection(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.follows(INVOCATIONS),
        ...this.#js.writesTo(`${STATE_BUCKET}.projection.*`, `${STATE_BUCKET}.head.*.*`, `${STATE_BUCKET}.hints.key`, LOSSES),
        ...this.#audit(),
      ],
      subscribe: [...services, ...historyServices, ...questions, of.historyOf],
      allowResponses: true,
    };
  }

  /** What a role needs that records the calls of its services. */
  #audit(): string[] {
    return [...this.#js.infos(AUDIT), of.audit];
  }

  #janitor(): Row {
    return {
      publish: [
        ...this.#js.role(),
        ...this.#js.follows(INVOCATIONS),
        ...this.#js.consumersOf(INVOCATIONS),
        ...this.#js.calls('CONSUMER.LIST', INVOCATIONS),
        ...this.#js.messages(RESULTS),
        ...this.#js.follows(RESULTS),
        ...this.#js.consumersOf(RESULTS),
        ...this.#js.bucket(STATE_BUCKET),
        ...[INVOCATIONS, RESULTS].flatMap((stream) => [...this.#js.calls('STREAM.PURGE', stream), ...this.#js.erases(stream)]),
        ...this.#js.writesTo(`${STATE_BUCKET}.>`),
        ...this.#js.removesPayloads(),
        // Finds requests in plain text.
        subjects.history('list'),
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
        ...[...this.#js.calls('CONSUMER.LIST', INVOCATIONS), ...this.#js.calls('CONSUMER.LIST', RESULTS)],
        ...[...this.#js.bucket(GATEWAY_BUCKET), ...this.#js.bucket(STATE_BUCKET), ...this.#js.ledgerToRead()],
        ...this.#js.follows(SIGNATURES.name),
        ...this.#js.storesObjects(),
        ...this.#js.calls('STREAM.NAMES'),
        ...this.#js.calls('CONSUMER.LIST', kv(FUNCTIONS_BUCKET)),
        ...this.#js.calls('CONSUMER.LIST', kv(GATEWAY_BUCKET)),
        ...this.#js.writesTo(`${GATEWAY_BUCKET}.>`, `${FUNCTIONS_BUCKET}.>`, `${STATE_BUCKET}.hints.key`, ...BULKS, DATA_KEYS, LOSSES),
        ...this.#js.erases(kv(FUNCTIONS_BUCKET), kv(STATE_BUCKET)),
        of.signatures,
        of.audit,
        ...questions,
        of.findRequest,
        of.checkDestination,
        ...everyService,
        ...allRequests,
        of.invocation,
        of.wake,
        of.deliver,
        of.cancel,
        of.liveOutput,
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
