import { useRef } from 'preact/hooks';
import { exportAll, importFile } from '../io/transfer';
import { LANGUAGES, language, t } from '../i18n';
import { changeSettings, settings, type Settings } from '../state/settings';
import { dialog } from '../state/dialogs';
import { logout, session } from '../state/session';
import { DialogFrame } from './dialog';

interface ChoiceProps {
  label: string;
  value: string;
  options: Record<string, string>;
  onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => { onChange(event.currentTarget.value); }}>
        {Object.entries(options).map(([key, name]) => <option key={key} value={key}>{name}</option>)}
      </select>
    </label>
  );
}

function Transfer() {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <div class="actions">
      <button type="button" class="text-button outlined" onClick={() => void exportAll()}>{t.value.exportAll}</button>
      <button type="button" class="text-button outlined" title={t.value.importHint} onClick={() => picker.current?.click()}>
        {t.value.importChats}
      </button>
      <small class="quiet">{t.value.importHint}</small>
      <input
        type="file"
        accept=".json,application/json"
        hidden
        ref={picker}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) void importFile(file);
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}

/** What belongs to the account; nothing where the server keeps nothing. */
function Me() {
  const { user, mode } = session.value ?? {};
  if (!user) return null;
  return (
    <div class="actions">
      <button type="button" class="text-button outlined" onClick={() => { dialog.value = { kind: 'privacy' }; }}>{t.value.privacy}</button>
      <button type="button" class="text-button outlined" onClick={() => { dialog.value = { kind: 'status' }; }}>{t.value.proof}</button>
      {user.role === 'admin' && (
        <button type="button" class="text-button outlined" onClick={() => { dialog.value = { kind: 'admin' }; }}>{t.value.administration}</button>
      )}
      {mode === 'accounts' && (
        <button type="button" class="text-button outlined" onClick={() => void logout()}>{t.value.logout} (<bdi>{user.name}</bdi>)</button>
      )}
    </div>
  );
}

export function SettingsDialog() {
  const now = settings.value;
  return (
    <DialogFrame title={t.value.settings}>
      <Choice label={t.value.language} value={language.value} options={LANGUAGES}
        onChange={(value) => { changeSettings({ language: value }); }} />
      <Choice label={t.value.theme} value={now.theme}
        options={{ auto: t.value.themeAuto, light: t.value.themeLight, dark: t.value.themeDark }}
        onChange={(value) => { changeSettings({ theme: value as Settings['theme'] }); }} />
      <Choice label={t.value.sendKey} value={now.sendWith}
        options={{ enter: t.value.sendEnter, 'ctrl-enter': t.value.sendCtrlEnter }}
        onChange={(value) => { changeSettings({ sendWith: value as Settings['sendWith'] }); }} />
      <label class="field is-tall">
        <span>{t.value.instructions}</span>
        <textarea rows={4} value={now.instructions}
          onChange={(event) => { changeSettings({ instructions: event.currentTarget.value }); }} />
        <small>{t.value.instructionsHint}</small>
      </label>
      <Transfer />
      <Me />
    </DialogFrame>
  );
}
