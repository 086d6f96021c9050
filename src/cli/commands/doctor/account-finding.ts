import { say } from '#src/cli/texts/say.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/**
 * Judges the account of Sequent. The global account can share no subject with an account of clients, so its clients are in it, or there are
 * none (ACC1).
 */
export function judgeAccount(account: Examined['account']): Finding[] {
  if (account === undefined) return [];
  const check = say('account of clients');
  const { name, isGlobal } = account;
  if (!isGlobal) return [{ level: 'ok', check, seen: say('Sequent is in the account {name}; keep clients in another one', { name }) }];
  return [
    {
      level: 'note',
      check,
      seen: say('clients share the account of Sequent: one that may publish requests can purge the log and overwrite functions and keys'),
      remedy: say('see docs/deployment.md, "Accounts": sequent nats-config --accounts own'),
    },
  ];
}
