import type { ComponentChildren } from 'preact';

export type Property = readonly [name: string, value: ComponentChildren];

/** A list of names and values: as lines, or with `figures` as a row of labelled numbers. */
export function PropertyList({ properties, kind = 'properties' }: { properties: readonly Property[]; kind?: 'properties' | 'figures' }) {
  return (
    <dl class={kind}>
      {properties.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
