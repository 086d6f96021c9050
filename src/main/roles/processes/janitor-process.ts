import { startJanitorRole } from '#src/main/roles/janitor-role.ts';
import { runAsProcess } from './role-process.ts';
import type { JanitorProcessOptions } from './role-supervisor.ts';

runAsProcess<JanitorProcessOptions>('janitor', ({ connection, options, logger }) => startJanitorRole({ ...options, connection, logger }));
