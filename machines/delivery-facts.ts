import { z } from 'zod';

const delivery = { invocation: z.string(), at: z.number(), destination: z.string(), try: z.number().int() };
/** A try starts. `deliverer` is the process that makes the try. */
const deliveryStarted = z.object({ type: z.literal('delivery.started'), ...delivery, deliverer: z.string() });
const deliveryFailed = z.object({ type: z.literal('delivery.failed'), ...delivery, dueAt: z.number(), reason: z.string() });
const deliveryDelivered = z.object({ type: z.literal('delivery.delivered'), ...delivery });
const deliveryDead = z.object({ type: z.literal('delivery.dead'), ...delivery, reason: z.string() });

/** The next try waits for its target until an absolute time (T1). No try was made: `try` is the number of the tries so far. */
const deliveryPostponed = z.object({ type: z.literal('delivery.postponed'), ...delivery, dueAt: z.number(), reason: z.string() });

/** A dead delivery was redriven: it is tried again. */
const deliveryRedriven = z.object({ type: z.literal('delivery.redriven'), ...delivery });

/** An operator dismissed a dead delivery: the delivery needs no further action. */
const deliveryDismissed = z.object({ type: z.literal('delivery.dismissed'), ...delivery, note: z.string() });

/** The facts of the deliveries of an outcome. */
export const deliveryFacts = [
  deliveryStarted,
  deliveryFailed,
  deliveryDelivered,
  deliveryDead,
  deliveryPostponed,
  deliveryRedriven,
  deliveryDismissed,
] as const;
