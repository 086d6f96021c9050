import type { Configuration } from './configuration.ts';

/** Where the master keys are: a file, or a command that prints its content. */
export type EncryptionKey = { file: string } | { command: string };

/** `undefined` when nothing is encrypted. */
export function encryptionKeyOf({
  encryptionKey: file,
  encryptionCommand: command,
}: Pick<Configuration, 'encryptionKey' | 'encryptionCommand'>): EncryptionKey | undefined {
  if (command !== undefined) return { command };
  return file === undefined ? undefined : { file };
}
