import { bootstrap, runSequent } from './bootstrap.mjs';

// The process that `supervise.mjs` starts, and starts again: it ends when its supervisor is gone.
process.once('disconnect', () => process.exit(1));
process.channel?.unref();
bootstrap();
await runSequent(process.argv.slice(2));
