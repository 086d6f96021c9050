/** How full the log is, and whether it admits requests. */
export type LogCapacity = {
  /** The stored bytes. */
  bytes: number;
  /** The maximum of the stored bytes; `undefined` without a limit. */
  maxBytes: number | undefined;
  /** The sequence of the newest message. */
  last: number;
  isAdmitting: boolean;
};

/** Why a log refuses requests although it stores appends. */
export const REFUSES_REQUESTS =
  'its remaining space is kept for the invocations that it accepted; a shorter retention, or a larger limit, frees space';

/** Whether the log admits requests. Appends and hints are always admitted. */
export interface Admission {
  capacity(): Promise<LogCapacity>;
  /** Makes the log admit or refuse requests. A request that the log refuses is not stored. */
  admit(isAdmitting: boolean): Promise<void>;
}
