/** The names by which the configuration names the JetStream streams of Sequent. */
export const STREAM_PARTS = [
  'log',
  'results',
  'code',
  'payloads',
  'dis',
  'functions',
  'state',
  'flow',
  'gateway',
  'signatures',
  'audit',
] as const;
export type StreamPart = (typeof STREAM_PARTS)[number];

/** The maximum size of JetStream streams, in bytes. A stream without an entry has no limit, unless its account demands one. */
export type StreamSizes = Readonly<Partial<Record<StreamPart, number>>>;

/** The part of a storage limit that each stream gets, if the account demands sizes. Together they leave a half of one hundredth free. */
const shares: Readonly<Record<StreamPart, number>> = {
  log: 0.6,
  results: 0.15,
  code: 0.1,
  payloads: 0.05,
  dis: 0.04,
  functions: 0.01,
  state: 0.01,
  flow: 0.01,
  gateway: 0.01,
  signatures: 0.01,
  audit: 0.005,
};

/** The storage that the streams share when the account demands sizes and has no limit itself. */
const UNLIMITED_BYTES = 8 * 1_024 ** 3;

export type StorageLimits = {
  /** The limit of all streams together, for one copy of each message; `undefined` without a limit. */
  totalBytes: number | undefined;
  /** The limit of one stream; `undefined` without a limit. */
  streamBytes: number | undefined;
};

/** The size of a stream whose account demands one. */
export function demandedSize(part: StreamPart, { totalBytes = UNLIMITED_BYTES, streamBytes = totalBytes }: StorageLimits): number {
  return Math.floor(Math.min(totalBytes * shares[part], streamBytes));
}
