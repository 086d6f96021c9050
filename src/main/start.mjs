import { bootstrap, runSequent } from './bootstrap.mjs';

// `npm start`: everything on this machine, with a NATS server of its own and the example functions.
bootstrap();
await runSequent(['serve', '--start-server', '--deploy-examples', ...process.argv.slice(2)]);
