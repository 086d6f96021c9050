import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { execute } from './executions.ts';

/* A host in its own process, whose children never return. Tests kill it. The arguments are a file, a mode, and the function as JSON. */

const host = createProcessHost();
const [file, mode, definition = ''] = process.argv.slice(2);
void execute(host, JSON.parse(definition), { file, thenSpin: mode === 'spin' });
