/** The pauses before the restarts of one process: they double from 1 s up to 30 s, and begin again after a run of more than a minute. */
export function createRestartPauses(): {
  /** The pause after a run, in milliseconds. */
  afterRunOf(ranForMs: number): number;
};
