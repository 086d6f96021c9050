import { createChoice, createStore } from './store.ts';

export const theme = createChoice('sequent-theme', ['system', 'light', 'dark']);
/** Which clock exact times are told by. */
export const zone = createChoice('sequent-zone', ['local', 'utc']);

/** The present, to the second, for all that is told relative to it. Stands still while the page is hidden. */
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
