import { useEffect, useState } from 'preact/hooks';

/** A value that several parts of the page show. */
export type Store<Value> = { get(): Value; set(value: Value): void; subscribe(told: () => void): () => void };

export function createStore<Value>(initial: Value): Store<Value> {
  let value = initial;
  const told = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const tell of [...told]) tell();
    },
    subscribe(tell) {
      told.add(tell);
      return () => void told.delete(tell);
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

/** A choice of this browser, kept over visits; what is stored and not among the choices is ignored. */
export function createChoice<Choice extends string>(key: string, choices: readonly [Choice, ...Choice[]]): Store<Choice> {
  const stored = read(key);
  const store = createStore<Choice>(choices.find((choice) => choice === stored) ?? choices[0]);
  store.subscribe(() => write(key, store.get()));
  return store;
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
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
}
