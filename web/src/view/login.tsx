/* The door of a server with accounts; the first time it asks for the console's code. */
import { useState } from 'preact/hooks';
import { ApiError } from '../api/base';
import { t } from '../i18n';
import { login, session } from '../state/session';

function explain(e: unknown): string {
  if (e instanceof ApiError && e.code === 'rate_limited') return t.value.tooManyTries;
  if (e instanceof ApiError && e.status === 0) return t.value.serverDown;
  return e instanceof ApiError && e.status !== 401 ? e.message : t.value.loginFailed;
}

export function Login() {
  const isSetup = session.value?.needs_setup ?? false;
  const [error, setError] = useState('');
  const submit = (form: HTMLFormElement) => {
    const data = new FormData(form);
    const text = (name: string) => {
      const value = data.get(name);
      return typeof value === 'string' ? value : '';
    };
    const who = { name: text('name'), password: text('password') };
    login(isSetup ? { ...who, code: text('code').trim() } : who).catch((e: unknown) => {
      setError(explain(e));
    });
  };
  return (
    <main class="login">
      <form onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
        <span class="lantern is-large" aria-hidden="true" />
        <h1>Tiefsee</h1>
        <p class="quiet">{isSetup ? t.value.setupHint : t.value.loginHint}</p>
        {isSetup && (
          <label class="field is-tall">
            <span>{t.value.setupCode}</span>
            <input name="code" required autocomplete="one-time-code" />
          </label>
        )}
        <label class="field is-tall">
          <span>{t.value.userName}</span>
          <input name="name" required autocomplete="username" />
        </label>
        <label class="field is-tall">
          <span>{t.value.password}</span>
          <input name="password" type="password" required autocomplete={isSetup ? 'new-password' : 'current-password'} />
        </label>
        {error !== '' && <p class="outcome is-error" role="alert">{error}</p>}
        <button type="submit" class="primary">{isSetup ? t.value.setupButton : t.value.loginButton}</button>
      </form>
      <p class="ai-notice">{t.value.aiNotice}</p>
    </main>
  );
}
