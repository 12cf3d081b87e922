/* What the notice and the record say of who runs this server, and how long chats are kept. */
import { app } from '../api/app';
import { t } from '../i18n';
import { notify } from '../state/notices';
import { tell, textsOf, useAnswer } from './use-answer';

type ServerSettings = Record<'operator_name' | 'operator_contact' | 'purpose' | 'legal_basis', string> &
  Record<'retention_days_max' | 'minimum_age', number>;

export function ServerPanel() {
  const [now] = useAnswer<ServerSettings>('admin/settings');
  if (!now) return null;
  const submit = (form: HTMLFormElement) => {
    const { retention_days_max, minimum_age, ...texts } = textsOf(form);
    const body = { ...texts, retention_days_max: Number(retention_days_max), minimum_age: Number(minimum_age) };
    app('PATCH', 'admin/settings', body).then(() => { notify(t.value.saved); }, tell);
  };
  const text = (name: keyof ServerSettings, label: string) => (
    <label class="field"><span>{label}</span><input name={name} maxLength={4000} defaultValue={String(now[name])} /></label>
  );
  const number = (name: keyof ServerSettings, label: string) => (
    <label class="field">
      <span>{label}</span>
      <input name={name} type="number" min={0} max={36500} step={1} required defaultValue={String(now[name])} />
    </label>
  );
  return (
    <form class="prompt" onSubmit={(event) => { event.preventDefault(); submit(event.currentTarget); }}>
      {number('retention_days_max', t.value.retentionMax)}
      {text('operator_name', t.value.operatorName)}
      {text('operator_contact', t.value.operatorContact)}
      {text('purpose', t.value.purpose)}
      {text('legal_basis', t.value.legalBasis)}
      {number('minimum_age', t.value.minimumAge)}
      <div class="row"><span class="space" /><button type="submit" class="primary">{t.value.save}</button></div>
    </form>
  );
}
