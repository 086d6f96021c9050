import { useEffect, useState } from 'preact/hooks';

/** A value that several components show. `subscribe` returns the function that ends the subscription. */
export type Store<Value> = { get(): Value; set(value: Value): void; subscribe(listener: () => void): () => void };

export function createStore<Value>(initial: Value): Store<Value> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

export function useStore<Value>(store: Store<Value>): Value {
  const [value, setValue] = useState(store.get);
  useEffect(() => {
    const read = (): void => setValue(() => store.get());
    read();
    return store.subscribe(read);
  }, [store]);
  return value;
}

/** A setting that the browser stores. A stored value that is not among the choices is ignored. */
export function createSetting<Choice extends string>(key: string, choices: readonly [Choice, ...Choice[]]): Store<Choice> {
  const stored = read(key);
  const store = createStore<Choice>(choices.find((choice) => choice === stored) ?? choices[0]);
  store.subscribe(() => write(key, store.get()));
  return store;
}

/** A value that the browser stores as JSON. `parse` returns `undefined` for a stored value that is not usable. */
export function createStoredValue<Value>(key: string, initial: Value, parse: (stored: unknown) => Value | undefined): Store<Value> {
  const store = createStore<Value>(parse(parsed(read(key))) ?? initial);
  store.subscribe(() => write(key, JSON.stringify(store.get())));
  return store;
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The browser allows no storage: the setting lasts until the page is closed.
  }
}
