import { installPackages } from './install.mjs';
import { runCli } from './run-cli.mjs';

// The process that `supervise.mjs` starts and restarts. It ends when its supervisor ends.
process.once('disconnect', () => process.exit(1));
process.channel?.unref();
installPackages();
await runCli(process.argv.slice(2));
