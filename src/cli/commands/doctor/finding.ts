/** The check, the observation and its remedy. A problem makes the doctor fail, a note does not. */
export type Finding = { level: 'ok' | 'note' | 'problem'; check: string; seen: string; remedy?: string };
