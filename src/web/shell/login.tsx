import { useState } from 'preact/hooks';
import type { ApiError } from '../api/http.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { problemOf } from './asked.ts';
import { navigate, usePlace } from './router.tsx';
import { nextAfterLogin, session, signIn } from './session.ts';
import { useStore } from './store.ts';

export function Login() {
  const { query } = usePlace();
  const known = useStore(session);
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<ApiError>();
  const [isAsking, setIsAsking] = useState(false);
  const next = nextAfterLogin(query.get('next'));
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
    <div class="login">
      <form class="card login-card" onSubmit={submit}>
        <h1>Sign in</h1>
        {known?.is_open === true ? (
          <p>This gateway has no credentials: everybody on this machine may look. There is nothing to sign in to.</p>
        ) : null}
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            required
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
          <small>One of the tokens of the credentials file that the gateway was started with (SEQUENT_CREDENTIALS).</small>
        </label>
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
        <button type="submit" class="button primary" disabled={isAsking || token === ''}>
          {isAsking ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </div>
  );
}
