import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSigner } from '#src/archive/heads/open-signer.ts';
import { isSignedBy, parseHeads, signHead } from '#src/archive/heads/signed-head.ts';

const hash = { sequence: 7, at: 1, hash: 'ab'.repeat(32), block: { sequence: 5, hash: 'ef'.repeat(32) } };
const hashed = { log: '2026-01-01T00:00:00Z', hash };

describe('a signer', () => {
  test('signs by a file or by a command, and any other content does not match the signature', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const folder = await mkdtemp(join(tmpdir(), 'sequent-signer-'));
    const file = join(folder, 'key');
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const script =
      "const c=require('crypto'),f=require('fs');console.log(c.sign(null,f.readFileSync(0),f.readFileSync(process.argv[1])).toString('base64'))";
    const byCommand = await openSigner({ command: `"${process.execPath}" -e "${script}" "${file}"` });
    for (const signer of [await openSigner({ file }), byCommand]) {
      const head = await signHead(hashed, signer, 2);
      expect(parseHeads(JSON.stringify(head), 'the head')).toEqual([head]);
      expect(isSignedBy(head, publicKey)).toBe(true);
      const changes = [
        { sequence: 8 },
        { hash: 'cd'.repeat(32) },
        { block: { ...hash.block, sequence: 4 } },
        { log: 'other' },
        { signedAt: 3 },
      ];
      for (const change of changes) expect(isSignedBy({ ...head, ...change }, publicKey)).toBe(false);
    }
    await rm(folder, { recursive: true });
  });

  test('fails when its command fails or prints no signature', async () => {
    await expect((await openSigner({ command: 'exit 3' })).sign('text')).rejects.toThrow('ended with 3');
    await expect((await openSigner({ command: 'echo hello' })).sign('text')).rejects.toThrow('printed no Ed25519 signature');
  });

  test('refuses a file without an Ed25519 key', async () => {
    await expect(openSigner({ file: '/nonexistent' })).rejects.toThrow('cannot be read (ENOENT)');
    await expect(openSigner({ file: new URL(import.meta.url).pathname })).rejects.toThrow('is no key in PEM');
  });
});
