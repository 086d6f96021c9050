import { startProjectionRole } from '#src/main/roles/projection-role.ts';
import { runAsProcess } from './role-process.ts';
import type { ProjectionProcessOptions } from './role-supervisor.ts';

runAsProcess<ProjectionProcessOptions>('projection', ({ connection, options, logger }) =>
  startProjectionRole({ ...options, connection, logger }),
);
