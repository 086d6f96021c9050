import { connect } from 'nats';
import { MESSAGE_WITHIN_MS, type Read, readSource } from '#src/judge/collect.ts';
import type { Evidence } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { agrees } from '#src/judge/results.ts';

type Loss = Pick<Evidence, 'isLossy' | 'cuts'>;

/** Reads the log and the results of a server, on a connection of its own. */
export async function readStreams(servers: string, loss: Loss = {}): Promise<Read> {
  const connection = await connect({ servers });
  try {
    const options = { timeout: MESSAGE_WITHIN_MS };
    const source = { manager: await connection.jetstreamManager(options), jetstream: connection.jetstream(options) };
    // A result that a power cut took does not come.
    return await readSource(source, undefined, loss.isLossy ? (read) => agrees({ ...read, ...loss }) : undefined);
  } finally {
    await connection.close();
  }
}

/** Judges what a server holds now, with what a test knows besides. Returns what did not hold. */
export async function judgeServer(servers: string, known: Omit<Evidence, 'log' | 'results'>): Promise<string[]> {
  return judge({ ...(await readStreams(servers, known)), ...known });
}
