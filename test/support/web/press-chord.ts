import type { Page } from 'playwright-core';

/** Presses keys one directly after the other. Keys that the test sends one by one may be too far apart for a chord on a busy machine. */
export async function pressChord(page: Page, keys: string): Promise<void> {
  await page.evaluate(`for (const key of ${JSON.stringify([...keys])})
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true }));`);
}
