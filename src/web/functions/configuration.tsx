import { formatDuration } from '#src/core/text/format-duration.ts';
import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import { type Property, PropertyList } from '../parts/property-list.tsx';
import { RelativeTime } from '../parts/time.tsx';

/** How the function is executed. */
export function Configuration({ view: { definition, revision } }: { view: FunctionView }) {
  const { kind: _, ...handler } = definition.handler;
  const properties: Property[] = [
    ...Object.entries(handler).map(([name, value]): Property => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
    ['timeout of an attempt', formatDuration(definition.timeoutInMs)],
    ['memory of a process', `${definition.memoryInMb} MB`],
    ['concurrent executions per worker', String(definition.concurrency)],
    ['revision', String(revision)],
    ['user data', <UserData key="user data" definition={definition} />],
  ];
  return (
    <section class="card" aria-label="Configuration">
      <div class="card-head">
        <h2>Configuration</h2>
      </div>
      <PropertyList properties={properties} />
    </section>
  );
}

const MAX_CHARACTERS = 80;

/** The entries that the function reads with `getUserData`. The gateway returns only the names of secrets. */
function UserData({ definition: { userData, secretUserData = {} } }: Pick<FunctionView, 'definition'>) {
  const rows = [
    ...Object.entries(userData).map(([key, value]) => ({ key, value: `= ${value}` })),
    ...Object.keys(secretUserData).map((key) => ({ key, value: 'is a secret' })),
  ];
  if (rows.length === 0) return 'none';
  return (
    <ul>
      {rows.map(({ key, value }) => (
        <li key={key} title={`${key} ${value}`}>
          <code>{shorten(key)}</code> {shorten(value)}
        </li>
      ))}
    </ul>
  );
}

function shorten(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}

/** The published versions, and the aliases that point to them. */
export function Versions({ view: { versions, aliases } }: { view: FunctionView }) {
  return (
    <section class="card" aria-label="Versions and aliases">
      <div class="card-head">
        <h2>Versions and aliases</h2>
      </div>
      {versions.length === 0 && aliases.length === 0 ? <p class="nothing">No version is published. Only latest exists.</p> : null}
      <ul class="versions">
        {aliases.map(({ alias, version, description, weights }) => (
          <li key={`!${alias}`}>
            <b class="mono">!{alias}</b> <span aria-hidden="true">→</span> <span class="mono">{version}</span>
            {Object.entries(weights).map(([other, percent]) => (
              <span key={other} class="tag">
                {percent} % {other}
              </span>
            ))}
            <small>{description}</small>
          </li>
        ))}
        {versions.map(({ version, description, published_at }) => (
          <li key={version}>
            <b class="mono">{version}</b> <RelativeTime at={published_at} /> <small>{description}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}
