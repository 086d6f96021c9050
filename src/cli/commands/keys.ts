import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say, sayCount } from '#src/cli/texts/say.ts';
import type { MasterKeys } from '#src/core/encryption/master-keys.ts';
import { action, type Call } from '../call.ts';
import { exitCodes, usageProblem } from '../problem.ts';
import { findTarget } from '../session.ts';
import { readGivenKeys, withKeyOptions, withKeyStores } from './project/stores.ts';

type RotateOptions = { newMasterKey?: true };

export function keysCommand(): Command {
  return new Command('keys').description('The keys of the encryption at rest.').addCommand(
    withKeyOptions(
      withDryRun(new Command('rotate'))
        .summary('use new data keys, and wrap all data keys with the current master key')
        .description(
          'Makes a new data key for each project that encrypts payloads, and wraps every data key with the first master key of the file. Earlier data keys stay, and open what they encrypted.',
        )
        .option('--new-master-key', 'add a new master key as the first line of the file before'),
    )
      .addHelpText('after', examples)
      .action(action<RotateOptions>(rotate)),
  );
}

const examples = `
Examples:
  sequent keys rotate --encryption-key ../master.keys --new-master-key
  sequent keys rotate --encryption-command 'vault kv get -field=keys secret/sequent'

Processes with the same file use a new master key within two seconds. Copy a changed file to all other machines, and send SIGHUP to processes
with a command. Then the lines of earlier master keys can be removed. A backup from before needs the earlier master keys.`;

async function rotate(call: Call<RotateOptions>): Promise<typeof exitCodes.ok> {
  const { options } = call;
  const present = await readGivenKeys(options);
  return await withKeyStores(options, async ({ functions, state }) => {
    const { renewDataKeys, wrapDataKeysAgain } = await import('#src/core/encryption/change-project.ts');
    const { SecretSealer } = await import('#src/core/encryption/secret-sealer.ts');
    // Wrapped with the present master key, so that every process opens them before it knows a new one.
    const renewed = await renewDataKeys(functions, present);
    const keys = options.newMasterKey && options.rehearsal === undefined ? await withNewMasterKey(call) : present;
    await new SecretSealer(state, present).replaceKeys(keys);
    const wrapped = await wrapDataKeysAgain(functions, keys);
    printOne(call, {
      value: { master: keys.current, renewed: renewed.length, wrapped },
      name: keys.current,
      lines: () => [
        sayCount(renewed.length, ['{count} project got a new data key', '{count} projects got a new data key']),
        wrapped === 0
          ? say('all data keys are wrapped with the master key {key}', { key: keys.current })
          : say('all data keys are wrapped with the master key {key}; {keys} had an earlier one', {
              key: keys.current,
              keys: sayCount(wrapped, ['{count} key', '{count} keys']),
            }),
      ],
    });
    return exitCodes.ok;
  });
}

/** The keys with the new one. */
async function withNewMasterKey({ options }: Call): Promise<MasterKeys> {
  const { encryptionKey } = await findTarget({ ...options, json: true });
  if (encryptionKey === undefined || !('file' in encryptionKey)) {
    throw usageProblem(
      'no master key was added',
      'the keys come from a command',
      'add the key where the command reads it, without --new-master-key',
    );
  }
  const { addMasterKey } = await import('#src/cli/master-key-file.ts');
  await addMasterKey(encryptionKey.file);
  return await readGivenKeys(options);
}
