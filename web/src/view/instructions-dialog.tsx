/* What the model is told before the shown chat, or before the next one; presets. */
import { useState } from 'preact/hooks';
import { newId } from '../core/id';
import { t } from '../i18n';
import { changeChat, current } from '../state/chats';
import { changeSettings, settings } from '../state/settings';
import { closeDialog, DialogFrame } from './dialog';
import { Icon } from './icon';

export function InstructionsDialog() {
  const chat = current.value;
  const [text, setText] = useState(chat ? chat.system : settings.value.instructions);
  const [name, setName] = useState('');
  const { presets } = settings.value;
  const save = () => {
    if (chat) void changeChat(chat.id, { system: text });
    else changeSettings({ instructions: text });
    closeDialog();
  };
  const addPreset = () => {
    const same = presets.find((p) => p.name === name.trim());
    const preset = { id: same?.id ?? newId(), name: name.trim(), text };
    changeSettings({ presets: [...presets.filter((p) => p !== same), preset] });
    setName('');
  };
  return (
    <DialogFrame title={chat ? t.value.chatInstructions : t.value.instructions}>
      <label class="field is-tall">
        <span class="offscreen">{t.value.instructions}</span>
        <textarea rows={7} dir="auto" value={text} onInput={(event) => { setText(event.currentTarget.value); }} />
        {!chat && <small>{t.value.instructionsHint}</small>}
      </label>
      {presets.length > 0 && (
        <ul class="presets" aria-label={t.value.presets}>
          {presets.map((p) => (
            <li key={p.id}>
              <button type="button" class="text-button" onClick={() => { setText(p.text); }}><bdi>{p.name}</bdi></button>
              <button
                type="button"
                class="icon-button"
                aria-label={t.value.removePreset(p.name)}
                title={t.value.removePreset(p.name)}
                onClick={() => { changeSettings({ presets: presets.filter((other) => other !== p) }); }}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="row">
        <input
          class="preset-name"
          aria-label={t.value.presetName}
          placeholder={t.value.presetName}
          maxLength={60}
          value={name}
          onInput={(event) => { setName(event.currentTarget.value); }}
        />
        <button type="button" class="text-button" disabled={name.trim() === '' || text.trim() === ''} onClick={addPreset}>
          {t.value.addPreset}
        </button>
        <span class="space" />
        <button type="button" class="primary" onClick={save}>{t.value.save}</button>
      </div>
    </DialogFrame>
  );
}
