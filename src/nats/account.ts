import { z } from 'zod';
import { parseJson } from '#src/core/text/json.ts';
import { GLOBAL_ACCOUNT } from './permissions/accounts.ts';
import type { Connection } from './transport/connection.ts';

/** The account of a connection. `isGlobal`: the account of users that name none, which can share no subject with another account. */
export type ConnectionAccount = { name: string; isGlobal: boolean };

const ANSWER_WITHIN_MS = 1_000;
/** Newer servers send the public key and the name of an account of a JWT. */
const answerSchema = z.object({ data: z.object({ account: z.string(), account_name: z.string().optional() }) });

/** Asks the server for the account of a connection; `undefined` when the user may not ask. */
export async function readAccount({ nats }: Pick<Connection, 'nats'>): Promise<ConnectionAccount | undefined> {
  const reply = await nats.request('$SYS.REQ.USER.INFO', '', { timeout: ANSWER_WITHIN_MS }).catch(() => undefined);
  const found = answerSchema.safeParse(parseJson(reply?.string() ?? '')).data?.data;
  return found === undefined ? undefined : { name: found.account_name ?? found.account, isGlobal: found.account === GLOBAL_ACCOUNT };
}
