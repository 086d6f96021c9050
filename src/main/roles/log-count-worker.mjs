import { register } from 'tsx/esm/api';

// A thread does not take over the loader of the one that starts it.
register();
await import('./log-count-worker.ts');
