/* Two small questions: are you sure, and what shall it be called. */
import { useId, useState } from 'preact/hooks';
import { t } from '../i18n';
import type { Dialog } from '../state/dialogs';
import { closeDialog, DialogFrame } from './dialog';

export function ConfirmDialog({ ask }: { ask: Extract<Dialog, { kind: 'confirm' }> }) {
  return (
    <DialogFrame title={ask.action}>
      <p>{ask.text}</p>
      <div class="row">
        <span class="space" />
        <button type="button" class="text-button" onClick={closeDialog}>{t.value.cancel}</button>
        <button
          type="button"
          class="primary is-danger"
          onClick={() => {
            closeDialog();
            ask.onConfirm();
          }}
        >
          {ask.action}
        </button>
      </div>
    </DialogFrame>
  );
}

export function PromptDialog({ ask }: { ask: Extract<Dialog, { kind: 'prompt' }> }) {
  const [value, setValue] = useState(ask.value);
  const list = useId();
  return (
    <DialogFrame title={ask.title}>
      <form
        class="prompt"
        onSubmit={(event) => {
          event.preventDefault();
          closeDialog();
          ask.onSubmit(value.trim());
        }}
      >
        <label class="field is-tall">
          <span>{ask.label}</span>
          <input
            value={value}
            maxLength={100}
            list={list}
            dir="auto"
            autocomplete="off"
            onInput={(event) => { setValue(event.currentTarget.value); }}
          />
        </label>
        <datalist id={list}>{ask.options.map((o) => <option key={o} value={o} />)}</datalist>
        <div class="row">
          <span class="space" />
          <button type="button" class="text-button" onClick={closeDialog}>{t.value.cancel}</button>
          <button type="submit" class="primary">{t.value.save}</button>
        </div>
      </form>
    </DialogFrame>
  );
}
