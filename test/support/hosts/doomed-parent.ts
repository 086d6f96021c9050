import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { execute, processFunction } from './executions.ts';

/* A host in its own process, whose children never return. Tests kill it. */

const host = createProcessHost();
const [file, mode] = process.argv.slice(2);
void execute(host, processFunction({ export: 'fork' }), { file, thenSpin: mode === 'spin' });
