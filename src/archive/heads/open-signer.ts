import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { InvalidInputError } from '#src/core/errors.ts';
import { createSigner, type Signer } from './signed-head.ts';

/** Where the signing key is: a file, or a command that gets the text on stdin and prints the signature in base64 or base64url. */
export type SigningKey = { file: string } | { command: string };

const COMMAND_TIMEOUT_IN_MS = 30_000;

/** Throws `InvalidInputError` when the file holds no private key of Ed25519. */
export async function openSigner(signingKey: SigningKey): Promise<Signer> {
  if ('file' in signingKey) return createSigner(await readKey(signingKey.file), `the signing key ${signingKey.file}`);
  return { key: '', publicKey: undefined, sign: (text) => runCommand(signingKey.command, text) };
}

export async function readKey(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInputError({ field: `the key ${file}`, problem: `cannot be read (${cause.code})` }, { cause });
  });
}

async function runCommand(command: string, text: string): Promise<string> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'pipe', 'ignore'], timeout: COMMAND_TIMEOUT_IN_MS });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => void chunks.push(chunk));
  // A command that fails early closes the pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(text);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const signature = Buffer.from(Buffer.concat(chunks).toString().trim(), 'base64');
  if (code === 0 && signature.length === 64) return signature.toString('base64url');
  throw new Error(code === 0 ? 'the signing command printed no Ed25519 signature' : `the signing command ended with ${code ?? signal}`);
}
