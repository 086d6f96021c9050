import { ErrorCode, NatsError } from 'nats';

/** JetStream's error codes (`err_code` of its API) that Sequent decides on. The only list of them. */
const code = {
  systemUnavailable: 10008,
  consumerNotFound: 10014,
  insufficientResources: 10023,
  memoryExceeded: 10028,
  messageNotFound: 10037,
  sequenceNotFound: 10043,
  storageExceeded: 10047,
  messageNotDeleted: 10057,
  streamNotFound: 10059,
  wrongLastSequence: 10071,
  streamStoreFailed: 10077,
  duplicateInProcess: 10158,
  expectedSequenceNotReady: 10163,
  wrongLastSequenceConstant: 10164,
};

/** What JetStream answers when it refuses a request of its API. */
export type ApiError = { err_code?: number; description?: string };

type Test = (errorCode: number | undefined) => boolean;

const oneOf = (...codes: number[]): Test => {
  const known = new Set(codes);
  return (errorCode) => errorCode !== undefined && known.has(errorCode);
};

/** The code that JetStream gave for a failed request; undefined for an error of any other origin. */
export function errorCodeOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

export const isConsumerNotFound = oneOf(code.consumerNotFound);
export const isStreamNotFound = oneOf(code.streamNotFound);
export const isMessageNotFound = oneOf(code.messageNotFound);
/** The message to remove is not in the stream, or was removed before. */
export const isMessageGone = oneOf(code.messageNotFound, code.messageNotDeleted, code.sequenceNotFound);
/** The subject is not at the expected sequence. Certainly not stored. */
export const isWrongLastSequence = oneOf(code.wrongLastSequence, code.wrongLastSequenceConstant);
/** Storage, memory or a limit is exhausted. Certainly not stored. */
export const isStorageExhausted = oneOf(code.streamStoreFailed, code.insufficientResources, code.memoryExceeded, code.storageExceeded);
/** The server has not decided yet: an earlier publish to the subject is in process, or the server has just become leader. */
export const isUndecided = oneOf(code.duplicateInProcess, code.expectedSequenceNotReady, code.systemUnavailable);

/** Nothing subscribes to the subject of the request. */
export const isNoResponders = (error: unknown): boolean => error instanceof NatsError && error.code === ErrorCode.NoResponders;
export const isTimeout = (error: unknown): boolean => error instanceof NatsError && error.code === ErrorCode.Timeout;
/** The message is larger than the server accepts. It was not sent. */
export const isPayloadTooLarge = (error: unknown): boolean => error instanceof NatsError && error.code === ErrorCode.MaxPayloadExceeded;
/** The user of the connection lacks a permission. Certainly not done. */
export const isNotPermitted = (error: unknown): error is NatsError => error instanceof NatsError && error.isPermissionError();
