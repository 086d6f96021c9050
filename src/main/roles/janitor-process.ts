import { startJanitorRole } from './janitor-role.ts';
import { runAsProcess } from './role-process.ts';
import type { JanitorOrder } from './role-supervisor.ts';

runAsProcess<JanitorOrder>('janitor', ({ connection, order, logger }) => startJanitorRole({ ...order, connection, logger }));
