import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Skeleton } from '../parts/notices.tsx';

/** A page that is fetched when somebody goes there. */
export function lazily<Props extends object>(fetchIt: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let fetched: ComponentType<Props> | undefined;
  return function Lazily(props: Props) {
    const [Component, setComponent] = useState(() => fetched);
    const [isMissing, setIsMissing] = useState(false);
    useEffect(() => {
      if (fetched !== undefined) return;
      fetchIt().then(
        (component) => {
          fetched = component;
          setComponent(() => component);
        },
        () => setIsMissing(true),
      );
    }, []);
    if (isMissing)
      return <p class="page">This part of the page could not be fetched: Sequent was updated, or does not answer. Reload the page.</p>;
    return Component === undefined ? <Skeleton lines={8} height={22} /> : <Component {...props} />;
  };
}
