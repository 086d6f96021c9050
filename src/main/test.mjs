import { installPackages, installTools } from './install.mjs';

// `npm test`: the default tests, or those that the arguments of vitest name. The tests fetch nats-server themselves when they need it.
installPackages({ forDevelopment: true });
installTools(process.env.CI === 'true' ? 'ci' : 'tests');
process.argv.splice(2, Infinity, 'run', ...process.argv.slice(2));
await import('../../node_modules/vitest/vitest.mjs');
