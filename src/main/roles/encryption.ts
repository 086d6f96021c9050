import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { wrapDataKeysAgain } from '#src/core/encryption/change-project.ts';
import { type MasterKeys, parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { SecretSealer } from '#src/core/encryption/secret-sealer.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { EncryptionKey } from '#src/main/config/encryption-key.ts';
import { unwatchedFiles, type WatchedFiles } from './files/watched-files.ts';

/** The encryption at rest of one process. */
export type Encryption = {
  masterKeys: () => MasterKeys | undefined;
  /** `undefined` in a process that needs no secret user data, and without a key. */
  sealer: SecretSealer | undefined;
  payloads: PayloadSealer;
};

export type EncryptionOptions = {
  /** The bucket with the data keys of secret user data. */
  secrets: KeyValue;
  /** The bucket with the data keys of payloads. */
  functions: KeyValue;
  /** Whether this process opens and stores secret user data. Such a process also wraps data keys again. */
  holdsSecrets: boolean;
  files?: WatchedFiles | undefined;
};

const COMMAND_TIMEOUT_IN_MS = 30_000;

/**
 * Opens the encryption at rest. Changed keys are used without a restart, those of a command after SIGHUP.
 *
 * Throws `InvalidInputError` when the keys cannot be read, or do not open the stored data keys.
 */
export async function openEncryption(
  key: EncryptionKey | undefined,
  { secrets, functions, holdsSecrets, files = unwatchedFiles }: EncryptionOptions,
): Promise<Encryption> {
  let current: MasterKeys | undefined;
  const masterKeys = (): MasterKeys | undefined => current;
  let sealer: SecretSealer | undefined;
  const payloads = new PayloadSealer({ masterKeys, onErased: (project) => sealer?.forget(project) });
  if (key === undefined) return { masterKeys, sealer, payloads };
  const use = async (keys: MasterKeys): Promise<void> => {
    await sealer?.replaceKeys(keys);
    if (holdsSecrets) await wrapDataKeysAgain(functions, keys);
    current = keys;
  };
  files.watch({
    name: 'the encryption keys',
    files: 'file' in key ? [key.file] : [],
    reload: async () => use(await readKeys(key)),
  });
  const keys = await readKeys(key);
  if (holdsSecrets) sealer = new SecretSealer(secrets, keys);
  await use(keys);
  return { masterKeys, sealer, payloads };
}

/** Throws `InvalidInputError`, whose message repeats no key. */
export async function readKeys(key: EncryptionKey): Promise<MasterKeys> {
  if ('file' in key) {
    const field = `the encryption key file ${key.file}`;
    const text = await readFile(key.file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new InvalidInputError({ field, problem: `cannot be read (${cause.code})` }, { cause });
    });
    return parseMasterKeys(text, field);
  }
  const run = promisify(execFile)('/bin/sh', ['-c', key.command], { timeout: COMMAND_TIMEOUT_IN_MS });
  const { stdout } = await run.catch((cause: { code?: unknown }) => {
    // The message of the error has the output, which may hold keys.
    throw new InvalidInputError({ field: 'the encryption command', problem: `failed (${String(cause.code)})` });
  });
  return parseMasterKeys(stdout, 'the output of the encryption command');
}
