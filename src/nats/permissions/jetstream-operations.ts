import {
  CODE_BUCKET,
  FLOW_BUCKET,
  FUNCTIONS_BUCKET,
  INVOCATIONS,
  PAYLOADS_BUCKET,
  PAYLOADS_STREAM,
  RESULTS,
  STATE_BUCKET,
} from '#src/nats/wire/topology.ts';

/** The name of the stream of a bucket. */
export const kv = (bucket: string): string => `KV_${bucket}`;
export const CODE_STREAM = `OBJ_${CODE_BUCKET}`;

/** The subjects to which a user publishes for an operation of JetStream, in a domain or in that of the server. */
export class JetStreamOperations {
  readonly #api: string;
  /** Writes to buckets of another domain pass through its API. */
  readonly #writes: string;

  constructor(domain: string | undefined) {
    this.#api = domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
    this.#writes = domain === undefined ? '' : `${this.#api}.`;
  }

  /** A client that reads the registry. */
  client(): string[] {
    return [`${this.#api}.INFO`, ...this.infos(INVOCATIONS), ...this.bucket(FUNCTIONS_BUCKET)];
  }

  /** What every role of `sequent serve` does at its start and reads later. */
  role(): string[] {
    return [
      ...this.client(),
      ...this.infos(RESULTS, kv(FUNCTIONS_BUCKET), kv(STATE_BUCKET), kv(FLOW_BUCKET), CODE_STREAM, PAYLOADS_STREAM),
      ...this.calls('DIRECT.GET', `${kv(STATE_BUCKET)}.>`),
      ...this.messages(kv(STATE_BUCKET)),
      ...this.messages(INVOCATIONS),
    ];
  }

  calls(operation: string, object?: string): string[] {
    return [object === undefined ? `${this.#api}.${operation}` : `${this.#api}.${operation}.${object}`];
  }

  infos(...streams: string[]): string[] {
    return streams.flatMap((stream) => this.calls('STREAM.INFO', stream));
  }

  /** Overwrites messages, such as wrapped data keys. */
  erases(...streams: string[]): string[] {
    return streams.flatMap((stream) => this.calls('STREAM.MSG.DELETE', stream));
  }

  messages(stream: string): string[] {
    return this.calls('STREAM.MSG.GET', stream);
  }

  /** Reads a stream in order. */
  follows(stream: string): string[] {
    return [...this.calls('CONSUMER.CREATE', stream), ...this.calls('CONSUMER.MSG.NEXT', `${stream}.*`)];
  }

  /** Creates a durable consumer of the log, pulls from it, moves it (CONS6), and acknowledges its messages; `*` stands for any consumer. */
  pullsFrom(durable: string): string[] {
    return ['CONSUMER.DURABLE.CREATE', 'CONSUMER.INFO', 'CONSUMER.MSG.NEXT', 'CONSUMER.LEADER.STEPDOWN']
      .flatMap((operation) => this.calls(operation, `${INVOCATIONS}.${durable}`))
      .concat(this.acknowledges(durable));
  }

  /** Lists, opens and removes the consumers of functions. */
  opensWorkConsumers(): string[] {
    return [
      ...this.calls('CONSUMER.NAMES', INVOCATIONS),
      ...this.consumersOf(INVOCATIONS),
      ...this.calls('CONSUMER.DURABLE.CREATE', `${INVOCATIONS}.*`),
    ];
  }

  /** Acknowledges messages of a consumer of the log, by both forms of the subject: nats-server 2.16 names the domain and the account. */
  acknowledges(durable: string): string[] {
    return [`$JS.ACK.${INVOCATIONS}.${durable}.>`, `$JS.ACK.*.*.${INVOCATIONS}.${durable}.>`];
  }

  consumersOf(stream: string): string[] {
    return ['CONSUMER.INFO', 'CONSUMER.DELETE']
      .flatMap((operation) => this.calls(operation, `${stream}.*`))
      .concat(this.calls('CONSUMER.CREATE', `${stream}.>`));
  }

  /** Looks for a result among the stored ones, before the result of an outcome is published (PUB2 to PUB4). */
  readsResults(): string[] {
    return [...this.messages(RESULTS), ...this.follows(RESULTS), ...this.consumersOf(RESULTS)];
  }

  /** Reads and watches a bucket. */
  bucket(bucket: string): string[] {
    return this.#watched(kv(bucket));
  }

  /** Reads the slots that functions share. */
  ledgerToRead(): string[] {
    return [...this.infos(kv(FLOW_BUCKET)), ...this.bucket(FLOW_BUCKET)];
  }

  /** Takes and frees the slots that functions share. */
  ledger(): string[] {
    return [...this.ledgerToRead(), ...this.writesTo(`${FLOW_BUCKET}.>`)];
  }

  /** Reads code packages. nats.js asks for the name of the stream by the subject of their parts. */
  packages(): string[] {
    return [...this.calls('STREAM.NAMES'), ...this.infos(CODE_STREAM), ...this.#watched(CODE_STREAM)];
  }

  /** Reads large payloads. */
  payloads(): string[] {
    return this.messages(PAYLOADS_STREAM);
  }

  /** Stores and reads large payloads. */
  storesPayloads(): string[] {
    return [...this.payloads(), `$O.${PAYLOADS_BUCKET}.>`];
  }

  /** Stores and reads code packages and large payloads. */
  storesObjects(): string[] {
    return [...this.packages(), ...this.infos(PAYLOADS_STREAM), ...this.storesPayloads(), `$O.${CODE_BUCKET}.>`];
  }

  /** Finds and removes large payloads. */
  removesPayloads(): string[] {
    return [
      ...this.payloads(),
      ...this.follows(PAYLOADS_STREAM),
      ...this.consumersOf(PAYLOADS_STREAM),
      ...this.calls('STREAM.PURGE', PAYLOADS_STREAM),
      ...this.erases(PAYLOADS_STREAM),
    ];
  }

  #watched(stream: string): string[] {
    return [
      ...this.calls('CONSUMER.CREATE', stream),
      ...this.calls('CONSUMER.CREATE', `${stream}.>`),
      ...this.calls('CONSUMER.DELETE', `${stream}.*`),
      `$JS.FC.${stream}.>`,
      `$JS.FC.*.*.${stream}.>`,
      ...this.messages(stream),
      ...this.calls('DIRECT.GET', `${stream}.>`),
    ];
  }

  writesTo(...keys: string[]): string[] {
    return keys.map((key) => `${this.#writes}$KV.${key}`);
  }
}
