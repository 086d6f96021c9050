import { register } from 'tsx/esm/api';

// A thread does not inherit the module loader of its parent.
register();
await import('./page-check-worker.ts');
