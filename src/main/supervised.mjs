import './early-hang-up.mjs';
import { installPackages } from './install.mjs';
import { runCli } from './run-cli.mjs';

// The process that `supervise.mjs` starts and restarts. It ends when its supervisor ends.
process.once('disconnect', () => process.exit(1));
process.channel?.unref();
// From now on the supervisor forwards SIGHUP.
process.send?.('listening');
installPackages();
await runCli(process.argv.slice(2));
