/* API keys of programs: made and shown once, switched off, revoked. */
import { useState } from 'preact/hooks';
import { app } from '../api/app';
import { t } from '../i18n';
import { CopyButton } from './copy-button';
import { Menu } from './menu';
import { tell, textsOf, useAnswer } from './use-answer';

interface Key {
  name: string;
  prefix: string;
  scopes: string;
  state: 'enabled' | 'disabled' | 'expired';
  last_used: string | null;
}

function NewKey({ onMade }: { onMade: (text: string) => void }) {
  const submit = (form: HTMLFormElement) => {
    const { name, scopes, expires } = textsOf(form);
    app<{ key: string }>('POST', 'admin/keys', { name, scopes, ...(expires ? { expires } : {}) }).then((made) => {
      form.reset();
      onMade(made.key);
    }, tell);
  };
  return (
    <form class="new-user" onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
      <input name="name" required maxLength={64} aria-label={t.value.keyName} placeholder={t.value.keyName} autocomplete="off" />
      <select name="scopes" aria-label={t.value.keyScopes}>
        {['chat', 'chat,metrics', 'metrics', 'chat,admin'].map((scopes) => <option key={scopes} value={scopes}>{scopes}</option>)}
      </select>
      <input name="expires" type="date" aria-label={t.value.keyExpires} title={t.value.keyExpires} />
      <button type="submit" class="primary">{t.value.addKey}</button>
    </form>
  );
}

export function KeysPanel() {
  const [answer, load] = useAnswer<{ keys: Key[] }>('admin/keys');
  const [made, setMade] = useState('');
  const change = (work: Promise<unknown>) => void work.then(load, tell);
  return (
    <>
      {made !== '' && (
        <p class="address" role="status">
          <small>{t.value.keyOnce}</small><br />
          <span class="made-key">{made}</span> <CopyButton text={() => made} label={t.value.copy} />
        </p>
      )}
      {answer?.keys.length === 0 && <p class="quiet">{t.value.noKeys}</p>}
      <ul class="users">
        {answer?.keys.map((key) => (
          <li key={key.prefix} class={key.state === 'enabled' ? '' : 'is-off'}>
            <span><bdi>{key.name}</bdi><small>{key.prefix}… · {key.scopes} · {t.value.keyStates[key.state]}</small></span>
            <small class="quiet">{key.last_used ?? t.value.never}</small>
            <Menu
              label={t.value.userMenu(key.name)}
              items={[
                {
                  icon: 'close',
                  label: key.state === 'disabled' ? t.value.enable : t.value.disable,
                  run: () => { change(app('PATCH', `admin/keys/${key.prefix}`, { enabled: key.state === 'disabled' })); },
                },
                { icon: 'trash', label: t.value.revoke, isDanger: true, run: () => { change(app('DELETE', `admin/keys/${key.prefix}`)); } },
              ]}
            />
          </li>
        ))}
      </ul>
      <NewKey onMade={(text) => { setMade(text); load(); }} />
    </>
  );
}
