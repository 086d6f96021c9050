import type { Invocation } from '#machines/invocation.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';

/** An invocation as the log has it, with its request. */
export type Due = { request: AcceptedRequest; invocation: Invocation };
