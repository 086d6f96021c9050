import type { MeasuredForm } from './measured-form.ts';

/**
 * Resolves when the log does not grow any more, and every reader of the log has read on: the work after the last result counts too, such as
 * `notified`, repeated results, and what the projection reads after a burst.
 */
export async function quiet(form: Pick<MeasuredForm, 'counts'>): Promise<void> {
  for (let seen = -1; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { logged, unread, cpu } = await form.counts();
    const now = logged + Math.round((cpu.projection ?? 0) / 100_000);
    if (unread === 0 && now === seen) return;
    seen = now;
  }
}
