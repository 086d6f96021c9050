import type { Child, ChildEnd, ChildEvents } from './child-process.ts';

/** The signals that a terminal or a service manager sends to a whole process group. */
const GROUP_SIGNALS: ReadonlySet<string> = new Set(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']);

/**
 * Opens a child, and opens another one in its place when a signal to the process group of this program ended the child (PROC3).
 *
 * A new process belongs to the group of its parent until it leads a group of its own. A signal to the group of this program, which asks only
 * this program to stop, ends such a process. The child is therefore opened once more when
 *
 * 1. such a signal ended the child, and this program did not kill it; and
 * 2. the child wrote nothing, so that no code of the function can have run for long.
 *
 * The second child gets the lines that were written to the first one.
 */
export function openRestartedChild(open: (events: ChildEvents) => Child, events: ChildEvents): Child {
  let isFinal = false;
  let written: string[] = [];

  /** From now on, the end of the child is its end. */
  function decide(): void {
    isFinal = true;
    written = [];
  }

  function onEnd(end: ChildEnd): void {
    if (isFinal || end.signal === null || !GROUP_SIGNALS.has(end.signal)) return events.onEnd(end);
    const lines = written;
    decide();
    child = open(events);
    for (const line of lines) child.write(line);
  }

  let child = open({
    ...events,
    onLine(line) {
      decide();
      events.onLine(line);
    },
    onRawOutput(text) {
      decide();
      events.onRawOutput(text);
    },
    onEnd,
  });

  return {
    get pid() {
      return child.pid;
    },
    get cgroup() {
      return child.cgroup;
    },
    write(line) {
      if (!isFinal) written.push(line);
      child.write(line);
    },
    kill() {
      decide();
      child.kill();
    },
  };
}
