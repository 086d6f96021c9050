/**
 * The choice of the nats-server that all tests run on: `NATS_SERVER_BIN` of the test run.
 *
 * A process that a test starts with an environment of its own needs this part of it, or it finds another server in `PATH`.
 */
export const chosenServer = pick('NATS_SERVER_BIN');

/**
 * How npm reaches its registry on this machine. `npm` finds the settings of the machine beside its own Node only, so on
 * another Node it must be given them.
 */
export const npmSettings = { ...pick('npm_config_globalconfig'), ...pick('NODE_EXTRA_CA_CERTS') };

function pick(name: string): Readonly<Record<string, string>> {
  const value = process.env[name];
  return value === undefined ? {} : { [name]: value };
}
