import { hasSealedSecrets, type SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { messageOf } from '#src/core/errors.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { HostLayer } from '#src/core/ports/function-host.ts';
import { failed, unavailable } from '#src/hosts/failures.ts';

const NO_KEY =
  'the secret user data of the function is encrypted, and this worker has no key: start it with --encryption-key or --encryption-command';

/**
 * Opens the secret user data of functions with one kind of handler; no other handler gets any. A definition is opened once. Without a key, or with a wrong one, the platform fails and not the function: the attempt is made again later.
 */
export function createUnsealingLayer(
  kind: FunctionDefinition['handler']['kind'],
  sealer: Pick<SecretSealer, 'open'> | undefined,
): HostLayer {
  const known = new WeakMap<FunctionDefinition, FunctionDefinition>();

  async function open(definition: FunctionDefinition): Promise<FunctionDefinition> {
    if (sealer === undefined) throw new Error(NO_KEY);
    const opened = await sealer.open(definition);
    known.set(definition, opened);
    return opened;
  }
  const isSealed = (definition: FunctionDefinition): boolean =>
    definition.handler.kind === kind && definition.secretUserData !== undefined && hasSealedSecrets(definition);

  return {
    needs: ({ definition }) => isSealed(definition),
    execute(execution, signal, run) {
      const definition = known.get(execution.definition);
      if (definition !== undefined) return run({ ...execution, definition }, signal);
      return open(execution.definition).then(
        (opened) => run({ ...execution, definition: opened }, signal),
        (error: unknown) => failed(unavailable(messageOf(error))),
      );
    },
    warm(definition, version, warm) {
      const opened = isSealed(definition) ? known.get(definition) : definition;
      if (opened !== undefined) return warm(opened, version);
      open(definition).then(
        (found) => warm(found, version),
        () => {},
      );
    },
  };
}
