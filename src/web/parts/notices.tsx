import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api/http.ts';
import { CommandLine } from './copy.tsx';
import { Icon, type IconName } from './icon.tsx';

/** What went wrong, in the gateway's words, and the way on. */
export function ProblemNotice({ problem, again }: { problem: ApiError; again?: () => void }) {
  // What is said already is not said twice.
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
      {again === undefined ? null : (
        <button type="button" class="button small" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

function titleOf({ status }: ApiError): string {
  if (status === 0) return 'No connection';
  if (status === 404) return 'Not found';
  if (status === 401 || status === 403) return 'Not allowed';
  if (status === 409 || status === 412) return 'Refused: it changed meanwhile, or is in another state';
  if (status === 503) return 'Not available now';
  return status >= 500 ? 'The gateway failed' : 'Refused';
}

/** What is shown where nothing is, with the command that changes it. */
export function Empty({
  title,
  children,
  command,
  icon = 'queued',
}: {
  title: string;
  children?: ComponentChildren;
  command?: string;
  icon?: IconName;
}) {
  return (
    <div class="empty">
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children}
      {command === undefined ? null : <CommandLine text={command} />}
    </div>
  );
}

/** Holds the place of what is on its way. */
export function Skeleton({ lines = 3, height = 16 }: { lines?: number; height?: number }) {
  return (
    <div class="skeleton" aria-hidden="true">
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} class="skeleton-line" style={{ height: `${height}px`, width: `${92 - ((line * 17) % 40)}%` }} />
      ))}
    </div>
  );
}
