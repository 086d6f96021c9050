import { writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

// Plain JavaScript on Node's own modules, because `main/clone-build.mjs` uses it before any TypeScript is loaded.

export const PROJECT_NICENESS = 5;

export function lowerPriority(pid, { leadsSession, niceness = PROJECT_NICENESS }) {
  if (pid === undefined) return;
  try {
    // A user may not raise the priority of a process.
    if (getPriority(pid) < niceness) setPriority(pid, niceness);
  } catch {
    // The process has just ended.
  }
  if (leadsSession) lowerSession(pid, niceness);
}

export function lowerSession(pid, niceness = PROJECT_NICENESS) {
  if (pid === undefined) return;
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
  } catch {
    // The process has just ended, or this system weighs no sessions.
  }
}
