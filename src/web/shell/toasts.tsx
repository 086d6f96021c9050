import { Icon } from '../parts/icon.tsx';
import { createStore, useStore } from './store.ts';

type Toast = { key: number; text: string; kind: 'done' | 'problem' };
const toasts = createStore<readonly Toast[]>([]);
let last = 0;

/** Shows a message in the corner of the page for some seconds. Screen readers announce it. */
export function showToast(text: string, kind: Toast['kind'] = 'done'): void {
  const toast = { key: ++last, text, kind };
  toasts.set([...toasts.get().slice(-2), toast]);
  setTimeout(() => toasts.set(toasts.get().filter(({ key }) => key !== toast.key)), kind === 'done' ? 3_000 : 8_000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {useStore(toasts).map(({ key, text, kind }) => (
        <div key={key} class={`toast ${kind}`}>
          <Icon name={kind === 'done' ? 'succeeded' : 'alert'} size={14} />
          <span>{text}</span>
        </div>
      ))}
    </div>
  );
}
