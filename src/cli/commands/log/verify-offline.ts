import { readFile } from 'node:fs/promises';
import { readKey } from '#src/archive/heads/open-signer.ts';
import { isSignedBy, parseHeads, parsePublicKey, type SignedHead } from '#src/archive/heads/signed-head.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayCount } from '#src/cli/texts/say.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import type { Call } from '../../call.ts';
import type { OpenedArchive } from '../../history/whole-log.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';

export type HeadOptions = { anchor?: string | undefined; publicKey?: string | undefined; offline?: string | undefined };

/**
 * The heads that the log must match: those of `--anchor`, and with `--public-key` the stored ones of that key.
 *
 * Throws `InvalidInputError` when the key signed no head at all: a verification that compares nothing must not look like a proof.
 */
export async function believedHeads({ anchor, publicKey }: HeadOptions, opened: Pick<OpenedArchive, 'heads'>): Promise<SignedHead[]> {
  const anchors = await readAnchors({ anchor, publicKey });
  if (publicKey === undefined) return anchors;
  const key = parsePublicKey(await readKey(publicKey), publicKey);
  const stored = await opened.heads.list();
  const believed = [...anchors, ...stored.filter((head) => isSignedBy(head, key))];
  if (believed.length > 0) return believed;
  const problem =
    stored.length === 0
      ? 'has nothing to prove: no head of the log is signed (sequent serve --signing-key)'
      : `signed none of the ${stored.length} stored heads: name the public key of the key that signs (sequent heads shows its id)`;
  throw new InvalidInputError({ field: publicKey, problem });
}

/** Verifies a copy of an archive without a server. */
export async function verifyOffline({ options, terminal, format }: Call<HeadOptions>): Promise<ExitCode> {
  const { offline = '', publicKey } = options;
  if (publicKey === undefined) {
    throw usageProblem(
      '--offline needs the key of the heads',
      'only a signature proves who made them',
      'sequent verify --offline <folder> --public-key <file>',
    );
  }
  const { verifyFolder } = await import('../../history/verify-folder.ts');
  const key = parsePublicKey(await readKey(publicKey), publicKey);
  const logs = await verifyFolder(offline, { publicKey: key, anchors: await readAnchors(options) });
  const { out, err } = terminal;
  if (format === 'json') out.line(JSON.stringify(logs, null, 2));
  for (const { log, segments, messages, erased, proved, last, problems } of logs) {
    if (format !== 'json') for (const problem of problems) out.line(plain(problem));
    err.line(
      say('log of {log}: {segments} with {messages}, {erased} of them erased', {
        log: plain(log),
        segments: sayCount(segments, ['{count} segment', '{count} segments']),
        messages: sayCount(messages, ['{count} message', '{count} messages']),
        erased,
      }),
    );
    err.line(say('the signed heads prove the messages up to {sequence} of {last}', { sequence: proved, last }));
  }
  const found = logs.reduce((sum, { problems }) => sum + problems.length, 0);
  err.line(found === 0 ? err.paint.green(say('no problem')) : err.paint.red(sayCount(found, ['{count} problem', '{count} problems'])));
  return found === 0 ? exitCodes.ok : exitCodes.failed;
}

/** Throws `InvalidInputError` when a head of the file is not signed by the key. */
async function readAnchors({ anchor, publicKey }: HeadOptions): Promise<SignedHead[]> {
  if (anchor === undefined) return [];
  const text = await readFile(anchor, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new InvalidInputError({ field: anchor, problem: `cannot be read (${cause.code})` }, { cause });
  });
  const heads = parseHeads(text, anchor);
  if (publicKey === undefined) return heads;
  const key = parsePublicKey(await readKey(publicKey), publicKey);
  const foreign = heads.find((head) => !isSignedBy(head, key));
  if (foreign === undefined) return heads;
  throw new InvalidInputError({ field: anchor, problem: `holds a head at ${foreign.sequence} that this key did not sign` });
}
