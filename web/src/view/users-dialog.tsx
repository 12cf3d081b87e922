/* The administrator's list of accounts: who there is, never what was said. */
import { useEffect, useState } from 'preact/hooks';
import { app, type User } from '../api/app';
import { ApiError } from '../api/base';
import { decimal, t } from '../i18n';
import { notify } from '../state/notices';
import { DialogFrame } from './dialog';
import { Menu } from './menu';

interface Account extends User {
  is_disabled: boolean;
  n_conversations: number;
  today: { n_used: number };
}

const ROLES = ['member', 'reader', 'admin'] as const;

function tell(e: unknown): void {
  notify(e instanceof ApiError ? e.message : String(e), true);
}

function NewUser({ onDone }: { onDone: () => void }) {
  const names = { member: t.value.roleMember, reader: t.value.roleReader, admin: t.value.roleAdmin };
  const submit = (form: HTMLFormElement) => {
    const { name, password, role } = Object.fromEntries(new FormData(form));
    app('POST', 'admin/users', { name, password, role }).then(() => {
      form.reset();
      onDone();
    }, tell);
  };
  return (
    <form class="new-user" onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
      <input name="name" required aria-label={t.value.userName} placeholder={t.value.userName} autocomplete="off" />
      <input name="password" type="password" required aria-label={t.value.password} placeholder={t.value.password} autocomplete="new-password" />
      <select name="role" aria-label={t.value.role}>
        {ROLES.map((role) => <option key={role} value={role}>{names[role]}</option>)}
      </select>
      <button type="submit" class="primary">{t.value.addUser}</button>
    </form>
  );
}

export function UsersDialog() {
  const [users, setUsers] = useState<Account[]>([]);
  const load = () => {
    app<{ users: Account[] }>('GET', 'admin/users').then((got) => { setUsers(got.users); }, tell);
  };
  useEffect(load, []);
  const change = (work: Promise<unknown>) => void work.then(load, tell);
  const names = { member: t.value.roleMember, reader: t.value.roleReader, admin: t.value.roleAdmin };
  return (
    <DialogFrame title={t.value.users}>
      <ul class="users">
        {users.map((user) => (
          <li key={user.id} class={user.is_disabled ? 'is-off' : ''}>
            <span><bdi>{user.name}</bdi><small>{names[user.role]}{user.is_disabled ? ` · ${t.value.disabled}` : ''}</small></span>
            <small class="quiet">{t.value.tokens(user.today.n_used)} · {decimal(user.n_conversations)} {t.value.chats}</small>
            <Menu
              label={t.value.userMenu(user.name)}
              items={[
                {
                  icon: 'close',
                  label: user.is_disabled ? t.value.enable : t.value.disable,
                  run: () => { change(app('PATCH', `admin/users/${user.id}`, { is_disabled: !user.is_disabled })); },
                },
                { icon: 'trash', label: t.value.remove, isDanger: true, run: () => { change(app('DELETE', `admin/users/${user.id}`)); } },
              ]}
            />
          </li>
        ))}
      </ul>
      <NewUser onDone={load} />
    </DialogFrame>
  );
}
