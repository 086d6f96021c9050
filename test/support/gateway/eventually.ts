const PAUSE_IN_MS = 20;

/** Asks again and again until the condition holds; throws after a while. */
export async function eventually(condition: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it did not happen within ${withinMs} ms: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_IN_MS));
  }
}
