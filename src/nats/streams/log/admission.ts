import type { StreamConfig, StreamInfo } from 'nats';
import type { Admission } from '#src/core/ports/admission.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { admitsRequests, INVOCATIONS, LOG_SUBJECTS, withoutRequests } from '#src/nats/wire/topology.ts';

/**
 * Admission by the subjects of the JetStream stream: without the subjects of requests, the server answers a request with "no responders".
 *
 * One update takes effect at once for every client. The consumers keep their filters and positions (ADM2).
 */
export function createNatsAdmission({ manager }: Connection): Admission {
  return {
    async capacity() {
      const { state, config } = await manager.streams.info(INVOCATIONS);
      return {
        bytes: state.bytes,
        maxBytes: config.max_bytes > 0 ? config.max_bytes : undefined,
        last: state.last_seq,
        isAdmitting: admitsRequests(config.subjects),
      };
    },
    async admit(isAdmitting) {
      await manager.streams.update(INVOCATIONS, { subjects: isAdmitting ? [...LOG_SUBJECTS] : withoutRequests(LOG_SUBJECTS) });
    },
  };
}

/** The wanted configuration of a log that may exist: a log that refuses requests continues to refuse them (ADM2). */
export function withPresentAdmission(found: StreamInfo | undefined, wanted: Partial<StreamConfig>): Partial<StreamConfig> {
  if (found === undefined || admitsRequests(found.config.subjects)) return wanted;
  return { ...wanted, subjects: withoutRequests(wanted.subjects ?? []) };
}
