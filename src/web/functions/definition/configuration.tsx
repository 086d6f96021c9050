import { formatDuration } from '#src/core/text/format-duration.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { LayerNames } from '../../code/layers.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { formatBytes } from '../../parts/payload-text.ts';
import { type Property, PropertyList } from '../../parts/property-list.tsx';
import { type Text, t } from '../../shell/language.ts';
import { useRole } from '../../shell/login/session.ts';

/** How the function is executed. */
export function Configuration({ view: { definition, revision }, onEdit }: { view: FunctionView; onEdit: () => void }) {
  const role = useRole('deploy');
  const { kind: _, ...handler } = definition.handler;
  const properties: Property[] = [
    ...Object.entries(handler).map(([name, value]): Property => [nameOf(name), <HandlerField key={name} name={name} value={value} />]),
    [t('timeout of an attempt'), formatDuration(definition.timeoutInMs)],
    [t('memory of a process'), `${definition.memoryInMb} MB`],
    [t('concurrent executions per worker'), String(definition.concurrency)],
    ...sizeRow(t('largest payload'), definition.maxPayloadBytes),
    ...sizeRow(t('kept output of an attempt'), definition.maxOutputBytes),
    [t('revision'), String(revision)],
    [t('user data'), <UserData key="user data" definition={definition} />],
  ];
  return (
    <section class="card" aria-label={t('Configuration')}>
      <div class="card-head">
        <h2>{t('Configuration')}</h2>
        <div class="spring" />
        <button type="button" class="button small" {...role} onClick={onEdit}>
          {t('Edit…')}
        </button>
      </div>
      <PropertyList properties={properties} />
    </section>
  );
}

function HandlerField({ name, value }: { name: string; value: unknown }) {
  if (name === 'package') return <Digest digest={String(value)} />;
  if (name === 'layers' && Array.isArray(value)) return <LayerNames digests={value} />;
  return <>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</>;
}

/** The beginning of a digest, which is enough to compare two; the button copies all of it. */
function Digest({ digest }: { digest: string }) {
  return (
    <>
      <code title={digest}>{digest.slice(0, 12)}…</code> <CopyButton text={digest} name={t('the digest of the package')} />
    </>
  );
}

/** A limit that is absent has its default, and no row. */
function sizeRow(name: string, bytes: number | undefined): Property[] {
  return bytes === undefined ? [] : [[name, formatBytes(bytes)]];
}

/** The fields of a handler. Another one has no translation. */
const handlerFields = {
  file: 'file',
  export: 'export',
  runtime: 'runtime',
  initializer: 'initializer',
  package: 'package',
  layers: 'layers',
  subject: 'subject',
  url: 'url',
} as const satisfies Record<string, Text>;

function nameOf(field: string): string {
  return Object.hasOwn(handlerFields, field) ? t(handlerFields[field as keyof typeof handlerFields]) : field;
}

const MAX_CHARACTERS = 80;

/** The entries that the function reads with `getUserData`. The gateway returns only the names of secrets. */
function UserData({ definition: { userData, secretUserData = {} } }: Pick<FunctionView, 'definition'>) {
  const rows = [
    ...Object.entries(userData).map(([key, value]) => ({ key, value: `= ${value}` })),
    ...Object.keys(secretUserData).map((key) => ({ key, value: t('is a secret') })),
  ];
  if (rows.length === 0) return <>{t('none')}</>;
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
