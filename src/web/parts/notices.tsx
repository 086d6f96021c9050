import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api/http.ts';
import { t } from '../shell/language.ts';
import { CommandLine } from './copy.tsx';
import { Icon, type IconName } from './icon.tsx';

/** A refusal with the gateway's message and, with `onRetry`, a button that tries again. */
export function ProblemNotice({ problem, onRetry }: { problem: ApiError; onRetry?: () => void }) {
  // The only error often repeats the message.
  const errors = problem.errors.filter(({ detail }) => detail !== problem.message);
  return (
    <div class="notice tone-failed" role="alert">
      <Icon name="alert" />
      <div class="notice-text">
        <strong>{titleOf(problem)}</strong>
        <p>{problem.message}</p>
        {errors.length === 0 ? null : (
          <ul>
            {errors.map(({ detail, pointer, parameter }) => (
              <li key={`${pointer}${parameter}${detail}`}>
                <code>{pointer ?? parameter ?? ''}</code> {detail}
              </li>
            ))}
          </ul>
        )}
      </div>
      {onRetry === undefined ? null : (
        <button type="button" class="button small" onClick={onRetry}>
          {t('Try again')}
        </button>
      )}
    </div>
  );
}

function titleOf({ status }: ApiError): string {
  if (status === 0) return t('No connection');
  if (status === 404) return t('Not found');
  if (status === 401 || status === 403) return t('Not allowed');
  if (status === 409 || status === 412) return t('Refused: it was changed meanwhile or is in another state');
  if (status === 503) return t('Not available now');
  return status >= 500 ? t('The gateway failed') : t('Refused');
}

/** The message of an empty page or list, with a command that fills it. */
export function Empty({
  title,
  children,
  command,
  icon = 'queued',
  isPage = false,
}: {
  title: string;
  children?: ComponentChildren;
  command?: string;
  icon?: IconName;
  /** It is the whole page: its title is the heading of the page. */
  isPage?: boolean;
}) {
  const Title = isPage ? 'h1' : 'h2';
  return (
    <div class="empty">
      <Icon name={icon} size={28} />
      <Title>{title}</Title>
      {children}
      {command === undefined ? null : <CommandLine text={command} />}
    </div>
  );
}

/** The placeholder of content that is being loaded. */
export function Skeleton({ lines = 3, height = 16 }: { lines?: number; height?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} class="skeleton-line" style={{ height: `${height}px`, width: `${92 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}
