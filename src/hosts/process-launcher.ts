import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { type Child, type ChildEvents, failedChild, openChild } from './child-process.ts';
import { type OrphanGuard, openOrphanGuard } from './orphan-guard.ts';

type Home = { directory: string; guard: OrphanGuard };

/** Starts the child processes of one host, each in its own directory. No child survives the host. */
export interface ProcessLauncher {
  open(definition: FunctionDefinition, events: ChildEvents): Child;
  close(): Promise<void>;
}

const { resolve } = createRequire(import.meta.url);
const runtime = fileURLToPath(new URL('./runtime/child.mjs', import.meta.url));

export function createProcessLauncher(command: string): ProcessLauncher {
  let home: Home | undefined;

  function openHome(): Home {
    const directory = mkdtempSync(join(tmpdir(), 'sequent-host-'));
    return { directory, guard: openOrphanGuard(directory) };
  }

  function openIn({ directory, guard }: Home, definition: FunctionDefinition, events: ChildEvents): Child {
    const cwd = mkdtempSync(join(directory, `${definition.name}-`));
    const options = { command, args: argumentsFor(definition), env: environmentFor(definition, cwd), cwd };
    const child = openChild(options, {
      ...events,
      onEnd(end) {
        if (child.pid !== undefined) guard.forget(child.pid);
        void removeDirectory(cwd);
        events.onEnd(end);
      },
    });
    if (child.pid !== undefined) guard.watch(child.pid);
    return child;
  }

  return {
    open(definition, events) {
      try {
        home ??= openHome();
        return openIn(home, definition, events);
      } catch (error) {
        return failedChild(events, error);
      }
    },
    async close() {
      if (home === undefined) return;
      await home.guard.close();
      await removeDirectory(home.directory);
    },
  };
}

/** Ignores failures: a remaining directory does no harm. */
async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => undefined);
}

/** TypeScript needs a loader, which adds about 0.2 s to the start. */
function argumentsFor({ handler, memoryInMb }: FunctionDefinition): string[] {
  const isTypeScript = handler.kind === 'process' && /\.[cm]?tsx?$/.test(handler.file);
  const loader = isTypeScript ? ['--import', pathToFileURL(resolve('tsx')).href] : [];
  return [`--max-old-space-size=${memoryInMb}`, ...loader, runtime];
}

/** The environment of a child: of this process's environment it has only the time zone. */
function environmentFor({ userData, secretUserData }: FunctionDefinition, cwd: string): Record<string, string> {
  const { TZ } = process.env;
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: cwd,
    TMPDIR: cwd,
    ...(TZ === undefined ? {} : { TZ }),
    ...userData,
    ...secretUserData,
  };
}
