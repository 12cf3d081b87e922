/* The rights over what is kept: for how long, not at all for now, and no more. */
import { app, type User } from '../api/app';
import { ApiError } from '../api/base';
import { t } from '../i18n';
import { dialog } from '../state/dialogs';
import { dropDraft } from '../state/draft';
import { notify } from '../state/notices';
import { session } from '../state/session';
import { tell, textsOf } from './use-answer';

const DAY_MS = 86_400_000;

function confirm(text: string, action: string, body: object): void {
  dialog.value = {
    kind: 'confirm', text, action,
    onConfirm: () => { app('POST', 'me/erase', body).then(() => { dropDraft(); location.reload(); }, tell); },
  };
}

function changeMe(change: object): void {
  app<{ user: User }>('PATCH', 'me', change).then(({ user }) => {
    if (session.value) session.value = { ...session.value, user };
    notify(t.value.saved);
  }, (e: unknown) => { notify(e instanceof ApiError && e.status === 429 ? t.value.tooManyTries : e instanceof ApiError ? e.message : String(e), true); });
}

function Range() {
  const submit = (form: HTMLFormElement) => {
    const { from = '', to = '' } = textsOf(form);
    /* Whole days as they are here. */
    const begin = new Date(`${from}T00:00`).getTime(), end = new Date(`${to}T00:00`).getTime() + DAY_MS - 1;
    confirm(t.value.eraseRangeHint(from, to), t.value.eraseRange, { what: 'range', from: begin, to: end });
  };
  return (
    <form class="new-user" aria-label={t.value.eraseRange} onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
      <input name="from" type="date" required aria-label={t.value.rangeFrom} title={t.value.rangeFrom} />
      <input name="to" type="date" required aria-label={t.value.rangeTo} title={t.value.rangeTo} />
      <button type="submit" class="text-button outlined is-danger">{t.value.eraseRange}</button>
    </form>
  );
}

function Password() {
  const submit = (form: HTMLFormElement) => {
    const { old_password, password } = textsOf(form);
    changeMe({ old_password, password });
    form.reset();
  };
  return (
    <form class="new-user" aria-label={t.value.changePassword} onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
      <input name="old_password" type="password" required aria-label={t.value.oldPassword} placeholder={t.value.oldPassword} autocomplete="current-password" />
      <input name="password" type="password" required minLength={8} aria-label={t.value.newPassword} placeholder={t.value.newPassword} autocomplete="new-password" />
      <button type="submit" class="text-button outlined">{t.value.changePassword}</button>
    </form>
  );
}

function Account() {
  const submit = (form: HTMLFormElement) => {
    const { password } = textsOf(form);
    confirm(t.value.eraseAccountHint, t.value.eraseAccount, { what: 'account', password });
  };
  return (
    <form class="new-user" aria-label={t.value.eraseAccount} onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
      {session.value?.mode === 'accounts' && (
        <input name="password" type="password" required aria-label={t.value.password} placeholder={t.value.password} autocomplete="current-password" />
      )}
      <button type="submit" class="text-button outlined is-danger">{t.value.eraseAccount}</button>
    </form>
  );
}

export function Rights() {
  const user = session.value?.user;
  if (!user) return null;
  return (
    <section class="rights">
      <h3>{t.value.yourRights}</h3>
      <label class="field">
        <span>{t.value.retention}<small>{t.value.retentionHint}</small></span>
        <input
          type="number"
          min={0}
          step={1}
          value={user.retention_days}
          onChange={(event) => { changeMe({ retention_days: Number(event.currentTarget.value) }); }}
        />
      </label>
      <label class="field">
        <span>{t.value.freeze}<small>{t.value.freezeHint}</small></span>
        <input type="checkbox" checked={user.is_frozen} onChange={(event) => { changeMe({ is_frozen: event.currentTarget.checked }); }} />
      </label>
      {session.value?.mode === 'accounts' && <Password />}
      <Range />
      <Account />
    </section>
  );
}
