import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { keyIdOf } from '#src/archive/heads/signed-head.ts';
import { printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { action, type Call } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes } from '../../problem.ts';

export function signingKeyCommand(): Command {
  const create = 'create a key that signs the head of the log';
  return new Command('signing-key')
    .description('The Ed25519 key with which the projection signs the head of the log once a minute.')
    .addCommand(
      new Command('create')
        .summary(create)
        .description(
          'Creates an Ed25519 key in a new file, and its public key in <file>.pub. Keep the file outside of the data folder; give the public key to those who verify.',
        )
        .argument('<file>', 'the new file')
        .action(action(createKey)),
    );
}

async function createKey(call: Call): Promise<ExitCode> {
  const [file = ''] = call.args;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  try {
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
    await writeFile(`${file}.pub`, publicKey.export({ type: 'spki', format: 'pem' }), { flag: 'wx' });
  } catch (cause) {
    const what = { code: 'FILE_NOT_WRITTEN', exitCode: exitCodes.failed, what: 'the key cannot be stored' };
    throw new CommandError({ ...what, why: (cause as Error).message, remedy: 'name a new file in a folder that you can write' }, { cause });
  }
  const key = keyIdOf(publicKey);
  printOne(call, {
    value: { key, file, publicKey: `${file}.pub` },
    name: key,
    lines: () => [say('created the key {key} in {file}, and its public key in {file}.pub', { key, file })],
  });
  return exitCodes.ok;
}
