import type { Command } from 'commander';
import type { GlobalOptions } from '#src/cli/call.ts';
import { usageProblem } from '#src/cli/problem.ts';
import { findTarget, withClient } from '#src/cli/session.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { MasterKeys } from '#src/core/encryption/master-keys.ts';
import { splitName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

/** What the commands about keys work with. */
export type KeyStores = {
  client: SequentClient;
  /** The bucket of the registry, with the settings and the data keys of projects. */
  functions: KeyValue;
  /** The bucket with the data keys of secret user data. */
  state: KeyValue;
  /** The name of the own project. */
  own: string;
};

export async function withKeyStores<Value>(options: GlobalOptions, work: (stores: KeyStores) => Promise<Value>): Promise<Value> {
  const { tenancy } = (await findTarget(options)).options;
  return await withClient(options, async (client) => {
    const { openKeyValue } = await import('#src/nats/key-value.ts');
    const { FUNCTIONS_BUCKET, STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
    const [functions, state] = await Promise.all([FUNCTIONS_BUCKET, STATE_BUCKET].map((bucket) => openKeyValue(client.connection, bucket)));
    return await work({ client, functions: functions as KeyValue, state: state as KeyValue, own: tenancy.project });
  });
}

/** Adds the options that name the keys. */
export function withKeyOptions(command: Command): Command {
  return command
    .option('--encryption-key <file>', 'the file with the keys (SEQUENT_ENCRYPTION_KEY)')
    .option('--encryption-command <command>', 'a command that prints the keys instead (SEQUENT_ENCRYPTION_COMMAND)');
}

/** Throws `CommandError` when no keys are named, and `InvalidInputError` when they cannot be read. */
export async function readGivenKeys(options: GlobalOptions): Promise<MasterKeys> {
  const { encryptionKey } = await findTarget({ ...options, json: true });
  if (encryptionKey === undefined) {
    throw usageProblem(
      'nothing was changed',
      'the command needs the keys of the encryption',
      'the same command with --encryption-key <file>, as sequent serve has it',
    );
  }
  const { readKeys } = await import('#src/main/roles/encryption.ts');
  return await readKeys(encryptionKey);
}

/**
 * The project of an argument, as function names contain it: `undefined` for the own project. Throws `CommandError` for a project without
 * functions: it may be the own project under a name that this command does not know, and then nothing would be encrypted.
 */
export async function projectIn(argument: string, { client, own }: KeyStores): Promise<string | undefined> {
  if (argument === own) return undefined;
  const functions = await client.functions.list();
  if (functions.some(({ definition }) => splitName(definition.name).project === argument)) return argument;
  throw usageProblem(
    `project ${argument} has no function`,
    `it may be the own project of the server, which this command takes to be "${own}"`,
    `the same command with SEQUENT_PROJECT=${argument} if it is the own project, else define its first function before`,
  );
}
