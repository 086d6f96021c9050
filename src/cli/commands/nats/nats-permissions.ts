import { Command, Option } from 'commander';
import { parseProject } from '#src/cli/arguments/project.ts';
import { accountsConfig } from '#src/nats/permissions/accounts.ts';
import { type PlacedPermissions, toAccountUser, toNsc, userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { PERMISSION_ROLES, type PermissionRole } from '#src/nats/permissions/role-permissions.ts';
import { action, type Call, type Format } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';

type Options = { role: PermissionRole[]; project?: string; domain?: string; format: 'conf' | 'nsc' };

export function natsPermissionsCommand(): Command {
  return new Command('nats-permissions')
    .description('Prints the NATS users that the roles and clients of Sequent need, with the permissions of each. Needs no connection.')
    .addOption(
      new Option('--role <role>', `${PERMISSION_ROLES.join(', ')} (repeatable; all by default)`).argParser(
        (value, previous: string[] = []) => roleIn(value, previous),
      ),
    )
    .option(
      '--project <id>',
      'limit a producer, a consumer or a history user to this project; it may be the own one for a history user only',
      parseProject,
    )
    .addOption(new Option('--format <format>', 'a nats-server configuration, or nsc commands').choices(['conf', 'nsc']).default('conf'))
    .addHelpText('after', examples)
    .action(action<Options>(print));
}

const examples = `
Examples:
  sequent nats-permissions --role worker                       a user for the worker, in a nats-server configuration
  sequent nats-permissions --role producer --project shop      a user that may only invoke functions of the project shop
  sequent nats-permissions --role history --project shop       a user that may only read the history of the project shop
  sequent nats-permissions --role gateway --format nsc         the same for the gateway, as an nsc command
  sequent nats-permissions --role worker --domain hub          for a worker that connects through a leaf node

"sequent nats-config" writes all of them with a key for each. "sequent nats-streams", as a user with all permissions, creates the streams.`;

function roleIn(value: string, previous: string[]): string[] {
  if ((PERMISSION_ROLES as readonly string[]).includes(value)) return [...previous, value];
  throw usageProblem('there is no such role', `--role must be one of ${PERMISSION_ROLES.join(', ')}, not "${value}"`, 'one of these roles');
}

async function print({ options, format, terminal: { out } }: Call<Options>): Promise<ExitCode> {
  const users = usersOf(options);
  if (format === 'json') out.line(JSON.stringify(users, null, 2));
  else for (const line of linesOf(users, format, options.format)) out.line(line);
  return exitCodes.ok;
}

function linesOf(users: readonly PlacedPermissions[], output: Exclude<Format, 'json'>, format: Options['format']): string[] {
  if (output === 'jsonl') return users.map((user) => JSON.stringify(user));
  if (output === 'name') return users.map(({ name }) => name);
  return format === 'nsc' ? users.map(toNsc) : accountsConfig(users.map(toAccountUser));
}

function usersOf({ role: roles = [...PERMISSION_ROLES], project, domain }: Partial<Options>): PlacedPermissions[] {
  return roles.map((role) => userOfRole(role, { project, domain }));
}
