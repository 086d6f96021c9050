import type { Msg } from 'nats';
import { z } from 'zod';
import { subjects } from '#src/core/names/subjects.ts';
import type { Cancellations } from '#src/core/ports/cancellations.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { keepSubscribed } from '#src/nats/transport/keep-subscribed.ts';
import { readQuestion } from './question.ts';

const announcementSchema = z.object({ function: z.string().optional(), invocation: z.string(), attempt: z.number() });

export function createNatsCancellations({ nats }: Connection): Cancellations {
  return {
    announce(worker, canceled) {
      if (/^[A-Za-z0-9_-]+$/.test(worker)) nats.publish(subjects.cancel(worker), JSON.stringify(canceled));
    },
    subscribe(worker, onCancel, signal) {
      const onAnnouncement = (message: Msg): void => {
        const announced = readQuestion(announcementSchema, message);
        if (announced !== undefined) onCancel(announced);
      };
      keepSubscribed({ nats }, { subject: subjects.cancel(worker), onMessage: onAnnouncement, signal });
    },
  };
}
