import { startProjectionRole } from './projection-role.ts';
import { runAsProcess } from './role-process.ts';
import type { ProjectionOrder } from './role-supervisor.ts';

runAsProcess<ProjectionOrder>('projection', ({ connection, order, logger }) => startProjectionRole({ ...order, connection, logger }));
