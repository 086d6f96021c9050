/**
 * The choice of the nats-server that all tests run on: `NATS_SERVER_BIN` of the test run.
 *
 * A process that a test starts with an environment of its own needs this part of it, or it finds another server in `PATH`.
 */
export const chosenServer: Readonly<Record<string, string>> = pick('NATS_SERVER_BIN');

function pick(name: string): Record<string, string> {
  const value = process.env[name];
  return value === undefined ? {} : { [name]: value };
}
