const POLL_EVERY_MS = 20;

/** Polls until the condition holds; throws after `withinMs`. */
export async function eventually(condition: () => Promise<boolean>, withinMs = 40_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`the condition did not hold within ${withinMs} ms: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
  }
}
