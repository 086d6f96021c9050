import { connect } from 'nats';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import type { ownerAddress } from '#test/support/nats/owner-address.ts';

type Address = ReturnType<typeof ownerAddress>;

/** The decoded records of a built-in DIS stream, in order. */
export async function recordsOfStream(address: Address, name: string): Promise<string[]> {
  const connection = await connect(natsOptionsOf(address));
  try {
    const subject = `dis.${name}`;
    const manager = await connection.jetstreamManager();
    const { state } = await manager.streams.info('SEQUENT_DIS', { subjects_filter: subject });
    const found: string[] = [];
    for (let sequence = state.first_seq; sequence <= state.last_seq; sequence++) {
      const message = await manager.streams.getMessage('SEQUENT_DIS', { seq: sequence });
      if (message.subject !== subject) continue;
      found.push(Buffer.from(message.json<{ data: string }>().data, 'base64').toString());
    }
    return found;
  } finally {
    await connection.close();
  }
}
