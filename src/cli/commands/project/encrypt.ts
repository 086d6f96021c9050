import { Command } from 'commander';
import { action, type Call } from '#src/cli/call.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { printOne } from '#src/cli/print/output.ts';
import { exitCodes } from '#src/cli/problem.ts';
import { say } from '#src/cli/texts/say.ts';
import { projectIn, readGivenKeys, withKeyOptions, withKeyStores } from './stores.ts';

type EncryptOptions = { stop?: true };

export function encryptCommand(): Command {
  return withKeyOptions(
    withDryRun(new Command('encrypt'))
      .summary('encrypt the payloads of a project from now on')
      .description(
        'Encrypts request payloads, results, errors and output of the functions of a project from now on, in the log, the results, the read models and the archive. Start the gateway, the workers and the destinations role with the same keys first.',
      )
      .argument('<project>', 'the project')
      .option('--stop', 'encrypt no further payload; encrypted payloads stay encrypted and readable'),
  )
    .addHelpText('after', examples)
    .action(action<EncryptOptions>(encrypt));
}

const examples = `
Examples:
  sequent project encrypt shop --encryption-key ../master.keys
  sequent project encrypt shop --stop

Earlier payloads stay as they are; sequent purge erases them. A request that a client without the keys publishes is refused.`;

async function encrypt(call: Call<EncryptOptions>): Promise<typeof exitCodes.ok> {
  const { options, args } = call;
  const [name = ''] = args;
  const keys = options.stop ? undefined : await readGivenKeys(options);
  return await withKeyStores(options, async (stores) => {
    const { encryptProject, stopEncrypting } = await import('#src/core/encryption/change-project.ts');
    const project = await projectIn(name, stores);
    if (keys === undefined) await stopEncrypting(stores.functions, project);
    else await encryptProject(stores.functions, project, { keys, now: stores.client.clock.now() });
    const whose = project === undefined ? say('the own project') : say('project {name}', { name: project });
    printOne(call, {
      value: { project: name, payloads: keys === undefined ? 'plain' : 'encrypted' },
      name,
      lines: () => [
        keys === undefined
          ? say('no further payload of {project} is encrypted', { project: whose })
          : say('the payloads of {project} are encrypted from now on', { project: whose }),
      ],
    });
    return exitCodes.ok;
  });
}
