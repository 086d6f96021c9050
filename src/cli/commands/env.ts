import { Command } from 'commander';
import { action, type Call } from '../call.ts';
import { printOne } from '../print/output.ts';
import { exitCodes } from '../problem.ts';
import { findTarget } from '../session.ts';

export function envCommand(): Command {
  return new Command('env')
    .description('Prints NATS_URL and NATS_NKEY of the server that commands find here, as a shell reads them. Connects to nothing.')
    .addHelpText('after', examples)
    .action(action(env));
}

const examples = `
Examples:
  eval "$(sequent env)" && node worker.mjs
  sequent env --json

A key is named, and never printed. Credentials that stand in the address of the server are part of NATS_URL.`;

async function env(call: Call): Promise<typeof exitCodes.ok> {
  const { address } = await findTarget(call.options);
  const variables = {
    NATS_URL: address.servers.map((server) => withUser(server, address)).join(','),
    ...(address.nkeyFile === undefined ? {} : { NATS_NKEY: address.nkeyFile }),
  };
  printOne(call, {
    value: variables,
    name: variables.NATS_URL,
    lines: () => Object.entries(variables).map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`),
  });
  return exitCodes.ok;
}

type Address = Awaited<ReturnType<typeof findTarget>>['address'];

/** The address as it was given: the NATS client takes the user apart from it. */
function withUser(server: string, { user, pass, token }: Address): string {
  const identity =
    user === undefined
      ? token
      : [user, pass]
          .filter((part) => part !== undefined)
          .map(encodeURIComponent)
          .join(':');
  if (identity === undefined) return server;
  return server.replace(/^(\w+:\/\/)?/, (scheme) => `${scheme}${user === undefined ? encodeURIComponent(identity) : identity}@`);
}
