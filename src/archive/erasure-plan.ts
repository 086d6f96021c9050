import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress } from 'node:zlib';
import type { Survey } from './survey.ts';

/** The messages and the requests that an erasure removes. */
export type ErasurePlan = Pick<Survey, 'sequences' | 'requests'>;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

export async function encodePlan({ sequences, requests }: ErasurePlan): Promise<Buffer> {
  return await compress(Buffer.from(JSON.stringify({ sequences, requests })));
}

export async function decodePlan(bytes: Buffer | undefined): Promise<ErasurePlan> {
  if (bytes === undefined) throw new Error('the archive lacks the plan of an erasure that was planned');
  return JSON.parse((await decompress(bytes)).toString()) as ErasurePlan;
}
