import { createSetting, createStore } from './store.ts';

export const theme = createSetting('sequent-theme', ['system', 'light', 'dark']);
/** The time zone of exact times. */
export const zone = createSetting('sequent-zone', ['local', 'utc']);

/** The present time in milliseconds, updated every second. It is not updated while the page is hidden. */
export const now = createStore(Date.now());

export function startSettings(): void {
  const apply = (): void => {
    const chosen = theme.get();
    if (chosen === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
  };
  theme.subscribe(apply);
  apply();
  setInterval(() => {
    if (!document.hidden) now.set(Date.now());
  }, 1_000);
}
