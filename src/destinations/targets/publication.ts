import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import { dead, delivered, failed } from './verdict.ts';

/** What became of a message that was published to JetStream. */
export type Publication =
  | { kind: 'stored' }
  /** No stream stores the subject. */
  | { kind: 'no-responders' }
  /** It will never be stored: it is too large, or the permission is missing. */
  | { kind: 'refused'; reason: string }
  | { kind: 'failed'; reason: string };

export function resultOf(publication: Publication, place: string): DeliveryResult {
  switch (publication.kind) {
    case 'stored':
      return delivered;
    case 'no-responders':
      return failed(`no stream stores ${place}`);
    case 'refused':
      return dead(`${place} refused it: ${publication.reason}`);
    case 'failed':
      return failed(`${place} did not store it: ${publication.reason}`);
  }
}
