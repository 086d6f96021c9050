import type { EventView } from '#src/gateway/api/invocations/invocation-schemas.ts';

/** An event with its name in the address of the page: the sequence of its message and, after a dot, its index in it unless that is 0. */
export type NamedEvent = EventView & { name: string };

export function withNames(events: readonly EventView[]): NamedEvent[] {
  const counts = new Map<number, number>();
  return events.map((event) => {
    const index = counts.get(event.sequence) ?? 0;
    counts.set(event.sequence, index + 1);
    return { ...event, name: index === 0 ? String(event.sequence) : `${event.sequence}.${index}` };
  });
}
