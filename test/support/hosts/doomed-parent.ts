import { createProcessHost } from '#src/hosts/process-host.ts';
import { execute, processFunction } from './executions.ts';

/*
 * A host in a process of its own, whose children never return: for killing it.
 */

const host = createProcessHost();
const [file, mode] = process.argv.slice(2);
void execute(host, processFunction({ export: 'fork' }), { file, thenSpin: mode === 'spin' });
