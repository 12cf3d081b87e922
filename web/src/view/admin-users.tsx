/* Accounts: made, limited, disabled, logged out, erased. */
import { useState } from 'preact/hooks';
import { app, type User } from '../api/app';
import { decimal, t } from '../i18n';
import { dialog } from '../state/dialogs';
import { Menu } from './menu';
import { tell, textsOf, useAnswer } from './use-answer';

interface Limits {
  tokens_per_day: number;
  requests_per_minute: number;
  concurrent: number;
  n_ctx: number;
}

interface Account extends User {
  is_disabled: boolean;
  n_conversations: number;
  limits: Limits;
  today: { n_used: number };
}

const ROLES = ['member', 'reader', 'admin'] as const;

function roleNames() {
  return { member: t.value.roleMember, reader: t.value.roleReader, admin: t.value.roleAdmin };
}

function NewUser({ onDone }: { onDone: () => void }) {
  const names = roleNames();
  const submit = (form: HTMLFormElement) => {
    const { name, password, role } = textsOf(form);
    app('POST', 'admin/users', { name, password, role }).then(() => {
      form.reset();
      onDone();
    }, tell);
  };
  return (
    <form class="new-user" onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
      <input name="name" required aria-label={t.value.userName} placeholder={t.value.userName} autocomplete="off" />
      <input name="password" type="password" required minLength={8} aria-label={t.value.password} placeholder={t.value.password} autocomplete="new-password" />
      <select name="role" aria-label={t.value.role}>
        {ROLES.map((role) => <option key={role} value={role}>{names[role]}</option>)}
      </select>
      <button type="submit" class="primary">{t.value.addUser}</button>
    </form>
  );
}

/** Role, limits (0: none) and a new password of one account. */
function EditUser({ user, onDone }: { user: Account; onDone: () => void }) {
  const names = roleNames();
  const submit = (form: HTMLFormElement) => {
    const { role, password, ...numbers } = textsOf(form);
    const limits = Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, Number(text)]));
    app('PATCH', `admin/users/${user.id}`, { role, limits, ...(password ? { password } : {}) }).then(onDone, tell);
  };
  const number = (name: keyof Limits, label: string) => (
    <label class="field">
      <span>{label}</span>
      <input name={name} type="number" min={0} step={1} required defaultValue={String(user.limits[name])} />
    </label>
  );
  return (
    <form class="prompt" aria-label={t.value.changeUser(user.name)} onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
      <h3><bdi>{user.name}</bdi></h3>
      <label class="field">
        <span>{t.value.role}</span>
        <select name="role" defaultValue={user.role}>
          {ROLES.map((role) => <option key={role} value={role} selected={role === user.role}>{names[role]}</option>)}
        </select>
      </label>
      {number('tokens_per_day', t.value.limitTokens)}
      {number('requests_per_minute', t.value.limitRequests)}
      {number('concurrent', t.value.limitConcurrent)}
      {number('n_ctx', t.value.limitContext)}
      <small class="quiet">{t.value.noLimit}</small>
      <label class="field">
        <span>{t.value.newPassword}</span>
        <input name="password" type="password" minLength={8} autocomplete="new-password" />
      </label>
      <div class="row">
        <span class="space" />
        <button type="button" class="text-button" onClick={onDone}>{t.value.cancel}</button>
        <button type="submit" class="primary">{t.value.save}</button>
      </div>
    </form>
  );
}

/* An account takes everything with it, and its key: that is asked for once more. */
function askRemoval(user: Account): void {
  dialog.value = {
    kind: 'confirm',
    text: t.value.removeUser(user.name),
    action: t.value.remove,
    onConfirm: () => {
      app('DELETE', `admin/users/${user.id}`).catch(tell).finally(() => { dialog.value = { kind: 'admin' }; });
    },
  };
}

export function UsersPanel() {
  const [answer, load] = useAnswer<{ users: Account[] }>('admin/users');
  const [edited, setEdited] = useState<Account | null>(null);
  const change = (work: Promise<unknown>) => void work.then(load, tell);
  const names = roleNames();
  if (edited) return <EditUser user={edited} onDone={() => { setEdited(null); load(); }} />;
  return (
    <>
      <ul class="users">
        {answer?.users.map((user) => (
          <li key={user.id} class={user.is_disabled ? 'is-off' : ''}>
            <span><bdi>{user.name}</bdi><small>{names[user.role]}{user.is_disabled ? ` · ${t.value.disabled}` : ''}</small></span>
            <small class="quiet">
              {t.value.tokens(user.today.n_used)}{user.limits.tokens_per_day > 0 ? ` / ${decimal(user.limits.tokens_per_day)}` : ''}
              {' · '}{decimal(user.n_conversations)} {t.value.chats}
            </small>
            <Menu
              label={t.value.userMenu(user.name)}
              items={[
                { icon: 'pencil', label: t.value.edit, run: () => { setEdited(user); } },
                { icon: 'close', label: t.value.endSessions, run: () => { change(app('DELETE', `admin/users/${user.id}/sessions`)); } },
                {
                  icon: 'close',
                  label: user.is_disabled ? t.value.enable : t.value.disable,
                  run: () => { change(app('PATCH', `admin/users/${user.id}`, { is_disabled: !user.is_disabled })); },
                },
                { icon: 'trash', label: t.value.remove, isDanger: true, run: () => { askRemoval(user); } },
              ]}
            />
          </li>
        ))}
      </ul>
      <NewUser onDone={load} />
    </>
  );
}
