import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/http.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { problemOf } from './asked.ts';
import { nextAfterLogin } from './next-page.ts';
import { Link, navigate, paths, usePlace } from './router.tsx';
import { session, signIn } from './session.ts';
import { useStore } from './store.ts';

export function Login() {
  const known = useStore(session);
  return (
    <div class="login">
      <div class="card login-card">
        <h1>Sign in</h1>
        {known?.is_open === true ? (
          <>
            <p>This gateway has no credentials, so there is nothing to sign in to: everybody on this machine may look.</p>
            <p class="hint">
              Start it with <code>--credentials</code>, or SEQUENT_CREDENTIALS, to ask for tokens.
            </p>
            <Link to={paths.invocations} class="button primary">
              Go to the invocations
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
  const { query } = usePlace();
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<ApiError>();
  const [isAsking, setIsAsking] = useState(false);
  const next = nextAfterLogin(query.get('next'));
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setIsAsking(true);
    setProblem(undefined);
    try {
      await signIn(token);
      navigate(next, { replace: true });
    } catch (thrown) {
      setProblem(problemOf(thrown));
      setIsAsking(false);
    }
  };
  return (
    <form onSubmit={submit}>
      {query.has('ended') && problem === undefined ? (
        <div class="notice tone-retrying" role="status">
          <Icon name="clock" />
          <p class="notice-text">Your session is over. Sign in to go on where you were.</p>
        </div>
      ) : null}
      {/* There is but one name; whoever keeps passwords wants one. */}
      <input type="text" name="username" autocomplete="username" value="sequent" readOnly hidden />
      <label class="field">
        <span>Token</span>
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
          A token of the credentials file (SEQUENT_CREDENTIALS), or the token in the link that <code>sequent serve</code> printed.
        </small>
      </label>
      {problem === undefined ? null : problem.status === 401 ? (
        <div class="notice tone-failed" role="alert">
          <Icon name="alert" />
          <div class="notice-text">
            <strong>No credential has this token</strong>
            <p>Look for spaces around it; else ask whoever runs the gateway for one of its tokens.</p>
          </div>
        </div>
      ) : (
        <ProblemNotice problem={problem} />
      )}
      <button type="submit" class="button primary" disabled={isAsking || token === ''}>
        {isAsking ? 'Signing in…' : 'Sign in'}
      </button>
    </form>
  );
}
