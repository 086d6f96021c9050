import { useState } from 'preact/hooks';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { DeleteDialog } from '../../parts/forms/delete-dialog.tsx';
import { RelativeTime } from '../../parts/time.tsx';
import { t } from '../../shell/language.ts';
import { useRole } from '../../shell/login/session.ts';
import { Link, paths } from '../../shell/router.tsx';
import { AliasDialog } from './alias-dialog.tsx';
import { PublishDialog } from './publish-dialog.tsx';

type Alias = FunctionView['aliases'][number];
type CardProps = { path: string; view: FunctionView; onChanged: () => void };
type OpenDialog = { kind: 'publish' } | { kind: 'alias'; alias: Alias | undefined } | { kind: 'delete'; part: string; name: string };

/** The published versions, and the aliases that point to them: to publish, move, compare and delete. */
export function VersionsCard({ path, view, onChanged }: CardProps) {
  const { versions, aliases } = view;
  const [dialog, setDialog] = useState<OpenDialog>();
  const role = useRole('deploy');
  const close = (): void => setDialog(undefined);
  const remove = (part: string, name: string): void => setDialog({ kind: 'delete', part, name });
  return (
    <section class="card" aria-label={t('Versions and aliases')}>
      <div class="card-head">
        <h2>{t('Versions and aliases')}</h2>
        <div class="spring" />
        <button type="button" class="button small" {...role} onClick={() => setDialog({ kind: 'publish' })}>
          {t('Publish…')}
        </button>
        <button type="button" class="button small" {...role} onClick={() => setDialog({ kind: 'alias', alias: undefined })}>
          {t('New alias…')}
        </button>
      </div>
      {versions.length === 0 && aliases.length === 0 ? <p class="nothing">{t('No version is published. Only latest exists.')}</p> : null}
      <ul class="versions">
        {aliases.map((alias) => (
          <li key={`!${alias.alias}`}>
            <AliasText alias={alias} />
            <span class="row-buttons">
              <RowButton
                label={t('Edit the alias {name}', { name: alias.alias })}
                text={t('Edit…')}
                isDisabled={role.disabled}
                onClick={() => setDialog({ kind: 'alias', alias })}
              />
              <RowButton
                label={t('Delete the alias {name}', { name: alias.alias })}
                text={t('Delete')}
                isDisabled={role.disabled}
                onClick={() => remove(`aliases/${encodeURIComponent(alias.alias)}`, `!${alias.alias}`)}
              />
            </span>
          </li>
        ))}
        {[...versions].reverse().map(({ version, description, published_at }) => (
          <li key={version}>
            <b class="mono">{version}</b> <RelativeTime at={published_at} /> <small>{description}</small>
            <span class="row-buttons">
              <CodeLink view={view} version={version} text={t('Code')} />
              <CodeLink view={view} version="latest" other={version} text={t('Compare with latest')} />
              <RowButton
                label={t('Delete the version {version}', { version })}
                text={t('Delete')}
                isDisabled={role.disabled}
                onClick={() => remove(`versions/${encodeURIComponent(version)}`, version)}
              />
            </span>
          </li>
        ))}
      </ul>
      {dialog?.kind === 'publish' ? <PublishDialog path={path} view={view} onClose={close} onDone={onChanged} /> : null}
      {dialog?.kind === 'alias' ? <AliasDialog path={path} view={view} alias={dialog.alias} onClose={close} onDone={onChanged} /> : null}
      {dialog?.kind === 'delete' ? (
        <DeleteDialog
          path={`${path}/${dialog.part}`}
          name={dialog.name}
          consequence={t('Callers of {name} are refused from then on, and its queued invocations fail.', { name: dialog.name })}
          label={t('Delete {name}', { name: dialog.name })}
          onClose={close}
          onDone={onChanged}
        />
      ) : null}
    </section>
  );
}

function AliasText({ alias: { alias, version, description, weights, policy, decision } }: { alias: Alias }) {
  return (
    <>
      <b class="mono">!{alias}</b> <span aria-hidden="true">→</span> <span class="mono">{version}</span>
      {Object.entries(weights).map(([other, percent]) => (
        <span key={other} class="tag">
          {percent} % {other}
        </span>
      ))}
      {policy === undefined ? null : <span class="tag">{t('own policy')}</span>} <small>{description}</small>
      {decision === undefined ? null : (
        <small title={decision.why}>
          {decision.decision === 'promoted'
            ? t('{canary} was promoted by itself', { canary: decision.canary })
            : t('{canary} was rolled back by itself', { canary: decision.canary })}{' '}
          <RelativeTime at={decision.at} />
        </small>
      )}
    </>
  );
}

type CodeLinkProps = { view: FunctionView; version: string; other?: string; text: string };

function CodeLink({ view, version, other = '', text }: CodeLinkProps) {
  const query = new URLSearchParams({ tab: 'code', version, ...(other === '' ? {} : { with: other }) });
  return (
    <Link
      to={`${paths.function(view.definition.name)}?${query}`}
      class="button quiet small"
      aria-label={t('{what}: {version}', { what: text, version: other || version })}
    >
      {text}
    </Link>
  );
}

type RowButtonProps = { label: string; text: string; isDisabled: boolean; onClick: () => void };

function RowButton({ label, text, isDisabled, onClick }: RowButtonProps) {
  return (
    <button type="button" class="button quiet small" aria-label={label} disabled={isDisabled} onClick={onClick}>
      {text}
    </button>
  );
}
