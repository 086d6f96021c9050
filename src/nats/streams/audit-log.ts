import { headers, type Msg } from 'nats';
import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { type AuditEntry, type AuditLog, type AuditQuery, matchesQuery } from '#src/core/ports/stores/audit-log.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { Publisher } from '#src/nats/transport/publisher.ts';
import { addEphemeralConsumer } from '#src/nats/transport/streams/consumers.ts';
import { findStream } from '#src/nats/transport/streams/ensure-stream.ts';
import { Pull } from '#src/nats/transport/streams/pull.ts';
import { openOnOneStream } from '#src/nats/transport/streams/watch-identity.ts';
import { parseAckSubject } from '#src/nats/wire/ack-subject.ts';
import { AUDIT } from '#src/nats/wire/topology.ts';

const batchSchema = z.object({
  entries: z.array(
    z.object({
      at: z.number(),
      until: z.number(),
      project: z.string(),
      by: z.string(),
      action: z.string(),
      subject: z.string().optional(),
      status: z.number(),
      requestId: z.string(),
      count: z.number(),
      why: z.string().optional(),
    }),
  ),
});

/** The audit log on JetStream. A project has a subject of its own, so that permissions can name the project. */
export function createNatsAuditLog(connection: Connection, publisher?: Publisher): AuditLog {
  return {
    async append({ id, project, entries }) {
      const sent = headers();
      sent.set('Nats-Msg-Id', id);
      const answer = await publisher?.publish(subjects.audit(project), JSON.stringify({ entries }), sent);
      return answer?.kind === 'stored';
    },
    async read(query, limit) {
      const found: AuditEntry[] = [];
      if ((await findStream(connection, AUDIT)) === undefined) return found;
      const caughtUp = new AbortController();
      const add = (entry: AuditEntry): void => {
        found.push(entry);
        if (found.length > limit) found.shift();
      };
      await followEntries(connection, { query, onEntry: add, onCaughtUp: () => caughtUp.abort(), signal: caughtUp.signal });
      return found;
    },
    follow: (query, onEntry, signal) => followEntries(connection, { query, onEntry, onCaughtUp: () => {}, signal }),
  };
}

type Following = { query: AuditQuery; onEntry: (entry: AuditEntry) => void; onCaughtUp: () => void; signal: AbortSignal };

/** After a loss, reading continues behind the last message. A message is stored after its entries, so none of them is newer. */
async function followEntries(connection: Connection, { query, onEntry, onCaughtUp, signal }: Following): Promise<void> {
  let next: number | undefined;
  let remaining: number | undefined;
  async function open(): Promise<string> {
    const start = next === undefined ? { since: query.since } : { from: next };
    const subject = query.project === undefined ? undefined : subjects.audit(query.project);
    const { name, num_pending: pending } = await addEphemeralConsumer(connection.manager, AUDIT, { ...start, subject });
    remaining = pending;
    return name;
  }
  const openOnSame = openOnOneStream(connection, {
    stream: AUDIT,
    open,
    restart() {
      next = 1;
    },
  });
  const openConsumer = async (): Promise<string> => {
    const name = await openOnSame();
    if (remaining === 0) onCaughtUp();
    return name;
  };
  const onMessage = (message: Msg): void => {
    const { sequence } = parseAckSubject(message.reply ?? '');
    if (next !== undefined && sequence < next) return;
    next = sequence + 1;
    for (const entry of entriesOf(message)) if (matchesQuery(query, entry)) onEntry(entry);
    if (remaining !== undefined && --remaining <= 0) onCaughtUp();
  };
  await new Pull({ connection, stream: AUDIT, openConsumer, demand: () => 500, onMessage, onProblem: () => {}, signal }).done;
}

/** A message that is no batch has no entries. */
function entriesOf({ data }: Msg): readonly AuditEntry[] {
  return batchSchema.safeParse(parseJson(Buffer.from(data).toString())).data?.entries ?? [];
}
