import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import type { Redact } from '#src/core/output/redaction.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import type { HostLayer } from '#src/core/ports/function-host.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { createFetchingLayer } from './fetching-layer.ts';
import { createRedactingLayer, eventsLayer } from './layers.ts';
import { createSealingLayer } from './sealing-layer.ts';

type LayerParts = {
  tracing: HostLayer | undefined;
  large: LargePayloads;
  payloads: PayloadSealer;
  redact?: Redact | undefined;
  /** Opens secret user data. */
  unsealing: HostLayer;
  logger: Logger;
};

/**
 * The layers around a host, the outermost first. The order follows from what each layer reads:
 *
 * 1. The span of a trace covers the whole attempt.
 * 2. A large payload is fetched before any layer reads it, and a large value is stored last. The store seals its objects itself.
 * 3. A payload is opened before it becomes an event of a group. A result is sealed when no further layer reads its texts.
 * 4. The events of a group become one array.
 * 5. Secrets are hidden in failures before these are sealed.
 * 6. Secret user data is opened last, so that no other layer has it.
 */
export function hostLayers({ tracing, large, payloads, redact, unsealing, logger }: LayerParts): HostLayer[] {
  return [
    tracing,
    createFetchingLayer(large, { logger }),
    createSealingLayer(payloads),
    eventsLayer,
    redact === undefined ? undefined : createRedactingLayer(redact),
    unsealing,
  ].filter((layer) => layer !== undefined);
}
