import { test } from '#test/support/fixtures.ts';
import { startGuardedServer, type Users } from './guarded-server.ts';
import { startSystem } from './running-system.ts';

/** Tests with a server whose users have permissions, and with Sequent's roles as its user `sequent`. */
export function guardedTest(users: Users, handlers: Parameters<typeof startSystem>[1]) {
  return test
    .extend('guarded', async ({ task: _ }, { onCleanup }) => {
      const guarded = await startGuardedServer(users);
      onCleanup(() => guarded[Symbol.asyncDispose]());
      return guarded;
    })
    .extend('system', async ({ guarded }, { onCleanup }) => {
      const system = await startSystem(guarded.as('sequent'), handlers);
      onCleanup(() => system[Symbol.asyncDispose]());
      return system;
    });
}
