import type { Msg } from 'nats';
import { z } from 'zod';
import { type FunctionName, splitName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Cancellations } from '#src/core/ports/questions/cancellations.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { keepSubscribed } from '#src/nats/transport/connection/keep-subscribed.ts';
import { readQuestion } from './question.ts';
import type { ServiceAudit } from './service-audit.ts';

const announcementSchema = z.object({ function: z.string().optional(), invocation: z.string(), attempt: z.number() });

/** `audit` records every announcement that arrives, under the role that its subject for replies names. */
export function createNatsCancellations(connection: Connection, audit?: ServiceAudit): Cancellations {
  return {
    announce(worker, canceled) {
      // No reply follows: the inbox names the role of the sender.
      const reply = connection.createInbox();
      if (/^[A-Za-z0-9_-]+$/.test(worker)) connection.nats.publish(subjects.cancel(worker), JSON.stringify(canceled), { reply });
    },
    subscribe(worker, onCancel, signal) {
      const onAnnouncement = (message: Msg): void => {
        const announced = readQuestion(announcementSchema, message);
        const isAborted = announced !== undefined && onCancel(announced);
        const status = announced === undefined ? 400 : isAborted ? 200 : 404;
        const { function: fn, invocation } = announced ?? {};
        const project = fn === undefined ? undefined : splitName(fn as FunctionName).project;
        // A message without an effect may be repeated without end, so equal ones are counted.
        audit?.record(message, { action: 'worker.cancel', status, subject: invocation, project, isCounted: !isAborted });
      };
      keepSubscribed(connection, { subject: subjects.cancel(worker), onMessage: onAnnouncement, signal });
    },
  };
}
