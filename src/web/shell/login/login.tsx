import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../../api/http.ts';
import { Icon } from '../../parts/icon.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { RichText } from '../../parts/rich-text.tsx';
import { t } from '../language.ts';
import { Link, navigate, paths, useLocation } from '../router.tsx';
import { useStore } from '../store.ts';
import { problemOf } from '../use-fetch.ts';
import { nextAfterLogin } from './next-page.ts';
import { session, signIn } from './session.ts';

export function Login() {
  const caller = useStore(session);
  return (
    <div class="login">
      <div class="card login-card">
        <h1>{t('Sign in')}</h1>
        {caller?.is_open === true ? (
          <>
            <p>{t('This gateway runs without credentials. No login is needed: every user of this machine has access.')}</p>
            <p class="hint">
              <RichText
                text="To require a token, start the gateway with {option} or {variable}."
                values={{ option: <code>--credentials</code>, variable: 'SEQUENT_CREDENTIALS' }}
              />
            </p>
            <Link to={paths.invocations} class="button primary">
              {t('Go to the invocations')}
            </Link>
          </>
        ) : (
          <TokenForm />
        )}
      </div>
    </div>
  );
}

function TokenForm() {
  const { query } = useLocation();
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<ApiError>();
  const [isSubmitting, setIsSubmitting] = useState(false);
  const next = nextAfterLogin(query.get('next'));
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setIsSubmitting(true);
    setProblem(undefined);
    try {
      await signIn(token);
      navigate(next, { replace: true });
    } catch (thrown) {
      setProblem(problemOf(thrown));
      setIsSubmitting(false);
    }
  };
  return (
    <form onSubmit={submit}>
      {query.has('ended') && problem === undefined ? (
        <div class="notice tone-retrying" role="status">
          <Icon name="clock" />
          <p class="notice-text">{t('Your session has ended. Sign in to return to this page.')}</p>
        </div>
      ) : null}
      {/* Password managers store a token under a user name. */}
      <input type="text" name="username" autocomplete="username" value="sequent" readOnly hidden />
      <label class="field">
        <span>{t('Token')}</span>
        <input
          ref={field}
          type="password"
          name="token"
          autocomplete="current-password"
          required
          value={token}
          aria-invalid={problem?.status === 401}
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
        <small>
          <RichText
            text="A token of the credentials file (SEQUENT_CREDENTIALS), or the token in the link that {command} printed."
            values={{ command: <code>sequent serve</code> }}
          />
        </small>
      </label>
      {problem === undefined ? null : <Refusal problem={problem} />}
      <button type="submit" class="button primary" disabled={isSubmitting || token === ''}>
        {isSubmitting ? t('Signing in…') : t('Sign in')}
      </button>
    </form>
  );
}

function Refusal({ problem }: { problem: ApiError }) {
  if (problem.status !== 401) return <ProblemNotice problem={problem} />;
  return (
    <div class="notice tone-failed" role="alert">
      <Icon name="alert" />
      <div class="notice-text">
        <strong>{t('The token is not valid')}</strong>
        <p>{t('Check for spaces around the token, or ask the operator of the gateway for a valid one.')}</p>
      </div>
    </div>
  );
}
