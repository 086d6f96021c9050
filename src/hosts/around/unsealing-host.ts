import { hasSealedSecrets, type SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { messageOf } from '#src/core/errors.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { failed, unavailable } from '#src/hosts/failures.ts';

const NO_KEY =
  'the secret user data of the function is encrypted, and this worker has no key: start it with --encryption-key or --encryption-command';

/**
 * Opens the secret user data of a function for the host that runs it. A definition is opened once; one without sealed values costs a look at
 * one field. Without a key, or with a wrong one, the platform fails and not the function: the attempt is made again later.
 */
export function createUnsealingHost(host: FunctionHost, sealer: Pick<SecretSealer, 'open'> | undefined): FunctionHost {
  const known = new WeakMap<FunctionDefinition, FunctionDefinition>();

  async function open(definition: FunctionDefinition): Promise<FunctionDefinition> {
    if (sealer === undefined) throw new Error(NO_KEY);
    const opened = await sealer.open(definition);
    known.set(definition, opened);
    return opened;
  }
  const openedNow = (definition: FunctionDefinition): FunctionDefinition | undefined =>
    definition.secretUserData === undefined || !hasSealedSecrets(definition) ? definition : known.get(definition);

  return {
    execute(execution, signal) {
      const definition = openedNow(execution.definition);
      if (definition === execution.definition) return host.execute(execution, signal);
      if (definition !== undefined) return host.execute({ ...execution, definition }, signal);
      return open(execution.definition).then(
        (opened) => host.execute({ ...execution, definition: opened }, signal),
        (error: unknown) => failed(unavailable(messageOf(error))),
      );
    },
    warm(definition, version) {
      const opened = openedNow(definition);
      if (opened !== undefined) return host.warm?.(opened, version);
      open(definition).then(
        (found) => host.warm?.(found, version),
        () => {},
      );
    },
    live: (question) => host.live?.(question) ?? [],
    close: () => host.close(),
  };
}
