import { bootstrap } from './bootstrap.mjs';

// `npm test`: all tests, or those that vitest's arguments name. The tests fetch nats-server themselves when they need it.
bootstrap();
process.argv.splice(2, Infinity, 'run', ...process.argv.slice(2));
await import('../../node_modules/vitest/vitest.mjs');
