import './early-hang-up.mjs';
import { buildInBackground } from './clone-build.mjs';
import { canBuild, installPackages, root } from './install.mjs';
import { supervise } from './supervise.mjs';

// `npm start`: all roles on this machine, with a NATS server of its own and the example functions.
installPackages();
await supervise(['serve', '--start-server', '--deploy-examples', ...process.argv.slice(2)], {
  onFirstReady() {
    if (canBuild()) buildInBackground({ root, say: (line) => process.stderr.write(`sequent: ${line}\n`) });
  },
});
