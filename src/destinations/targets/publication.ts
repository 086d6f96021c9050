import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import { dead, delivered, failed } from './verdict.ts';

/** The result of publishing one message to JetStream. */
export type Publication =
  | { kind: 'stored' }
  /** No stream stores the subject. */
  | { kind: 'no-responders' }
  /** Final: the message is too large, or the permission is missing. */
  | { kind: 'refused'; reason: string }
  | { kind: 'failed'; reason: string };

export function resultOfPublication(publication: Publication, receiver: string): DeliveryResult {
  switch (publication.kind) {
    case 'stored':
      return delivered;
    case 'no-responders':
      return failed(`no stream stores ${receiver}`);
    case 'refused':
      return dead(`${receiver} refused the message: ${publication.reason}`);
    case 'failed':
      return failed(`${receiver} did not store the message: ${publication.reason}`);
  }
}
