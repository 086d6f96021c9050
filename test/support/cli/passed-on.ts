/**
 * The choice of the nats-server that all tests run on: `NATS_SERVER_BIN` of the test run.
 *
 * A process that a test starts with another environment needs this variable. Without it the process finds another server in `PATH`.
 */
export const chosenServer = pick('NATS_SERVER_BIN');

/**
 * The settings by which npm reaches its registry. npm finds the settings of the machine only next to its own Node, so an npm
 * on another Node needs them as variables.
 */
export const npmSettings = { ...pick('npm_config_globalconfig'), ...pick('NODE_EXTRA_CA_CERTS') };

function pick(name: string): Readonly<Record<string, string>> {
  const value = process.env[name];
  return value === undefined ? {} : { [name]: value };
}
