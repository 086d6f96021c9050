import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Skeleton } from '../parts/notices.tsx';
import { t } from './language.ts';

/** A component whose code is loaded when it is first rendered. */
export function lazyComponent<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function LazyComponent(props: Props) {
    const [Component, setComponent] = useState(() => loaded);
    const [isMissing, setIsMissing] = useState(false);
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then(
        (component) => {
          loaded = component;
          setComponent(() => component);
        },
        () => setIsMissing(true),
      );
    }, []);
    if (isMissing)
      return <p class="page">{t('This part of the page could not be loaded. Sequent was updated or does not answer. Reload the page.')}</p>;
    return Component === undefined ? <Skeleton lines={8} height={22} /> : <Component {...props} />;
  };
}
