import { ErrorCode, NatsError } from 'nats';
import { SYSTEM_UNAVAILABLE } from '#src/core/no-answer-error.ts';

/** The error codes of JetStream's API (`err_code`) that Sequent distinguishes. No other file lists them, but for the one that core needs too. */
const code = {
  noSuitablePeers: 10005,
  systemUnavailable: SYSTEM_UNAVAILABLE,
  consumerNotFound: 10014,
  insufficientResources: 10023,
  maximumConsumers: 10026,
  maximumStreams: 10027,
  memoryExceeded: 10028,
  messageNotFound: 10037,
  sequenceNotFound: 10043,
  storageExceeded: 10047,
  messageNotDeleted: 10057,
  streamNotFound: 10059,
  wrongLastSequence: 10071,
  streamStoreFailed: 10077,
  maxBytesRequired: 10113,
  maxAckPendingExceeded: 10121,
  maxStreamBytesExceeded: 10122,
  duplicateInProcess: 10158,
  expectedSequenceNotReady: 10163,
  wrongLastSequenceConstant: 10164,
};

/** The error in an answer of JetStream's API. */
export type ApiError = { err_code?: number; description?: string };

type Test = (errorCode: number | undefined) => boolean;

const oneOf = (...codes: number[]): Test => {
  const accepted = new Set(codes);
  return (errorCode) => errorCode !== undefined && accepted.has(errorCode);
};

/** Returns JetStream's error code of a failed request, or `undefined` for an error of any other origin. */
export function errorCodeOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** The account demands a maximum size of every stream. */
export const isSizeDemanded = oneOf(code.maxBytesRequired);
/** More unacknowledged messages of a consumer than the account or the server allows. */
export const isAckPendingExceeded = oneOf(code.maxAckPendingExceeded);
/** A stream is beyond a limit of the account or of the server: the number, the storage or the size of streams. */
export const isLimitExceeded = oneOf(
  code.maximumStreams,
  code.maxBytesRequired,
  code.maxStreamBytesExceeded,
  code.insufficientResources,
  code.memoryExceeded,
  code.storageExceeded,
);
/** A stream or the account has as many consumers as it may have, or a stream may not be configured with so many. */
export const isConsumersExceeded = oneOf(code.maximumConsumers);
export const isConsumerNotFound = oneOf(code.consumerNotFound);
export const isStreamNotFound = oneOf(code.streamNotFound);
export const isMessageNotFound = oneOf(code.messageNotFound);
/** The message is not in the stream, or was removed before. */
export const isMessageGone = oneOf(code.messageNotFound, code.messageNotDeleted, code.sequenceNotFound);
/** The subject is not at the expected sequence. The message was not stored. */
export const isWrongLastSequence = oneOf(code.wrongLastSequence, code.wrongLastSequenceConstant);
/** Storage, memory or a limit is exhausted. The message was not stored. */
export const isStorageExhausted = oneOf(code.streamStoreFailed, code.insufficientResources, code.memoryExceeded, code.storageExceeded);
/** The server cannot say yet whether the message will be stored: an earlier publish is being processed, or a leader was just elected. */
export const isUndecided = oneOf(code.duplicateInProcess, code.expectedSequenceNotReady, code.systemUnavailable);

/**
 * The server deleted a consumer whose folder was in use, and reports only that the folder is left. A server without the fix of nats-server
 * #7886 answers so, with a code that stands for every failure of a stream: the text alone identifies the case.
 */
export const isDeletedWhileInUse = (error: unknown): boolean =>
  error instanceof NatsError && error.api_error?.description?.includes('directory not empty') === true;

/**
 * Too few servers of the cluster can hold a new stream, because one of them is down or has not been heard of yet. The code stands for every
 * lack of servers: the text alone tells that of servers which may come from that of servers which do not exist.
 */
export const isPeerOffline = (error: unknown): boolean =>
  error instanceof NatsError &&
  error.api_error?.err_code === code.noSuitablePeers &&
  /peer offline/.test(error.api_error.description ?? '');

/** Nothing subscribes to the subject of the request. */
export const isNoResponders = (error: unknown): boolean => error instanceof NatsError && error.code === ErrorCode.NoResponders;
export const isTimeout = (error: unknown): boolean => error instanceof NatsError && error.code === ErrorCode.Timeout;
/** The message is larger than the server accepts. The client did not send it. */
export const isPayloadTooLarge = (error: unknown): boolean => error instanceof NatsError && error.code === ErrorCode.MaxPayloadExceeded;
/** The user of the connection lacks a permission. The server did nothing. */
export const isNotPermitted = (error: unknown): error is NatsError => error instanceof NatsError && error.isPermissionError();
