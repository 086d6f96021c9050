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

/** Whether the log admits requests. Appends and hints are always admitted. */
export interface Admission {
  capacity(): Promise<LogCapacity>;
  /** Makes the log admit or refuse requests. A request that the log refuses is not stored. */
  admit(isAdmitting: boolean): Promise<void>;
}
