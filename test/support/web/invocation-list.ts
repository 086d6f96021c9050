import type { Locator, Page } from 'playwright-core';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { until } from '#test/support/conformance/until.ts';
import type { WebSequent } from './content/web-sequent.ts';

/** Parts of the list of invocations. */
export const rows = (page: Page): Locator => page.locator('.table-body .row');
export const row = (page: Page, id: string): Locator => page.locator(`.table-body .row[data-id="${id}"]`);
export const chip = (page: Page, name: RegExp): Locator => page.getByRole('group', { name: 'State' }).getByRole('button', { name });
export const fresh = (page: Page): Locator => page.getByRole('button', { name: /new invocations/ });

/** Invokes a function with each event, and waits until the list shows all of them as notified. */
export async function settled(sequent: WebSequent, name: string, ...events: unknown[]): Promise<string[]> {
  const ids: string[] = [];
  for (const event of events) ids.push(await sequent.invoke(name, event));
  await until('the list shows all of them', async () => {
    const { invocations } = await sequent.call<{ invocations: InvocationRow[] }>(
      `/api/invocations?function=${name}&state=notified&limit=500`,
    );
    const notified = new Set(invocations.map(({ request_id }) => request_id));
    return ids.every((id) => notified.has(id)) || undefined;
  });
  return ids;
}
