import { bootstrap } from './bootstrap.mjs';
import { supervise } from './supervise.mjs';

// `npm start`: everything on this machine, with a NATS server of its own and the example functions.
bootstrap();
await supervise(['serve', '--start-server', '--deploy-examples', ...process.argv.slice(2)]);
