import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { Command } from 'commander';
import { parseProject } from '#src/cli/arguments/project.ts';
import { action, type Call } from '#src/cli/call.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { formatMoment } from '#src/cli/print/format.ts';
import { printOne } from '#src/cli/print/output.ts';
import { type ExitCode, exitCodes, usageProblem } from '#src/cli/problem.ts';
import { say } from '#src/cli/texts/say.ts';

import { type KeyStores, projectIn, withKeyStores } from './stores.ts';

type EraseOptions = { reason?: string; yes?: true };

export function eraseCommand(): Command {
  return withDryRun(new Command('erase'))
    .summary('erase the payloads of a project by destroying its keys')
    .description(
      'Destroys the data keys of a project, also that of secret user data. Nothing can read its encrypted payloads, results and secrets again, in no copy of the log, the archive and the read models. Its functions run no more until its payloads are encrypted again.',
    )
    .argument('<project>', 'the project', parseProject)
    .option('--reason <text>', 'the reason, which is recorded')
    .option('-y, --yes', 'do not ask for a confirmation')
    .addHelpText('after', examples)
    .action(action<EraseOptions>(erase));
}

const examples = `
Examples:
  sequent project erase shop --reason 'end of the contract'
  sequent project encrypt shop --encryption-key ../master.keys     to use the project again, with a new key

Payloads from before "project encrypt", and a backup of the data folder together with its master key, are not erased.`;

async function erase(call: Call<EraseOptions>): Promise<ExitCode> {
  const { options, args, terminal } = call;
  const [name = ''] = args;
  return await withKeyStores(options, async (stores) => {
    const project = await projectIn(name, stores);
    const { eraseProject, listProjects } = await import('#src/core/encryption/change-project.ts');
    const present = (await listProjects(stores.functions)).find((one) => one.project === project);
    const since = present === undefined || present.key === 0 ? undefined : present.since;
    if (!options.yes && !(await confirm(call, name, since))) {
      terminal.err.line(say('nothing was erased'));
      return exitCodes.failed;
    }
    const by = `${userInfo().username}@${hostname()}`;
    const erasure = { by, at: stores.client.clock.now(), reason: options.reason?.slice(0, 1_000) };
    const { erasures } = await eraseProject({ store: stores.functions, secrets: stores.state }, project, erasure);
    const isAudited = await audit(stores, { name, by, at: erasure.at });
    printOne(call, {
      value: { project: name, erased: erasures.at(-1), isAudited },
      name,
      lines: () => [
        say('the keys of project {name} are destroyed; nothing that they encrypted can be read again', { name }),
        ...(isAudited ? [] : [say('there is no audit log; sequent project ls shows the erasure')]),
      ],
    });
    return exitCodes.ok;
  });
}

/** Resolves to whether the audit log has the entry. Only a gateway creates the audit log. */
async function audit({ client }: KeyStores, { name, by, at }: { name: string; by: string; at: number }): Promise<boolean> {
  const { createNatsAuditLog } = await import('#src/nats/streams/audit-log.ts');
  const { createPublisher } = await import('#src/nats/transport/publisher.ts');
  const requestId = randomUUID();
  const entry = { at, until: at, project: name, by: `operator:${by}`, action: 'project.erase', status: 200, requestId, count: 1 };
  const publisher = createPublisher(client.connection);
  try {
    return await createNatsAuditLog(client.connection, publisher).append({ id: requestId, project: name, entries: [entry] });
  } finally {
    publisher.close();
  }
}

async function confirm({ terminal }: Call, name: string, since: number | undefined): Promise<boolean> {
  const question =
    since === undefined
      ? say('No payload of project {name} is encrypted, so only its secret user data is erased. Erase?', { name })
      : say('All payloads and results of project {name} since {time} become unreadable for ever. Erase?', {
          name,
          time: formatMoment(since),
        });
  if (terminal.canAsk) return await terminal.ask(question);
  throw usageProblem(
    'nothing was erased',
    'the command needs a confirmation, and there is no terminal to ask on',
    `sequent project erase ${name} --yes`,
  );
}
