/* Where questions are written. */
import { useLayoutEffect, useRef } from 'preact/hooks';
import { EFFORTS, type Effort } from '../core/types';
import { cleanName } from '../files/extract';
import { t } from '../i18n';
import { liveNow, send, stop } from '../state/answer';
import { currentId } from '../state/chats';
import { dialog } from '../state/dialogs';
import { typed } from '../state/draft';
import { attach, attached, attachPasted, detach, reading } from '../state/drop';
import { isReady } from '../state/session';
import { changeSettings, settings } from '../state/settings';
import { ContextGauge } from './gauge';
import { Icon } from './icon';

export const INPUT_ID = 'message-input';

/** Enter makes a new line on touch keyboards, which have no Shift + Enter. */
const isTouch = matchMedia('(pointer: coarse)').matches;

/** The style can do it, without a layout for every letter. */
const sizesItself = CSS.supports('field-sizing', 'content');

function wantsSend(event: KeyboardEvent): boolean {
  if (event.key !== 'Enter' || event.isComposing || event.shiftKey) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return settings.value.sendWith === 'enter' && !isTouch;
}

function EffortSelect() {
  const names: Record<Effort, string> = {
    off: t.value.effortOff,
    high: t.value.effortHigh,
  };
  return (
    <label class="select">
      <Icon name="thought" />
      <span class="offscreen">{t.value.effort}</span>
      <select
        value={settings.value.effort}
        onChange={(event) => { changeSettings({ effort: event.currentTarget.value as Effort }); }}
      >
        {EFFORTS.map((effort) => <option key={effort} value={effort}>{names[effort]}</option>)}
      </select>
    </label>
  );
}

function Attached() {
  if (attached.value.length + reading.value.length === 0) return null;
  return (
    <ul class="files">
      {attached.value.map((file) => (
        <li key={file}>
          <Icon name="file" />
          <bdi>{file.name}</bdi>
          <button
            type="button"
            class="icon-button"
            aria-label={t.value.removeFile(file.name)}
            title={t.value.removeFile(file.name)}
            onClick={() => { detach(file); }}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
      {reading.value.map((name, i) => (
        <li key={i} aria-busy="true"><span class="lantern" aria-hidden="true" /><bdi>{t.value.readingFile(cleanName(name))}</bdi></li>
      ))}
    </ul>
  );
}

function AttachButton() {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="icon-button" aria-label={t.value.attach} title={t.value.attach} onClick={() => picker.current?.click()}>
        <Icon name="clip" />
      </button>
      <input
        type="file"
        multiple
        hidden
        ref={picker}
        onChange={(event) => {
          void attach([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
    </>
  );
}

function InstructionsButton() {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={t.value.instructions}
      title={t.value.instructions}
      onClick={() => { dialog.value = { kind: 'instructions' }; }}
    >
      <Icon name="compass" />
    </button>
  );
}

export function Composer() {
  const text = typed.value;
  const field = useRef<HTMLTextAreaElement>(null);
  const isRunning = liveNow() !== undefined;
  const canSend = (text.trim() !== '' || attached.value.length > 0) && reading.value.length === 0;

  useLayoutEffect(() => {
    if (!field.current || sizesItself) return;
    field.current.style.height = 'auto';
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);
  useLayoutEffect(() => {
    if (!isTouch) field.current?.focus();
  }, [currentId.value]);

  const submit = () => {
    if (!canSend || isRunning || !isReady.value) return;
    send(text.trim(), attached.value);
    attached.value = [];
    typed.value = '';
  };
  return (
    <div class="composer-box">
      <form class="composer" onSubmit={(event) => { event.preventDefault(); submit(); }}>
        <Attached />
        <textarea
          id={INPUT_ID}
          ref={field}
          rows={1}
          dir="auto"
          aria-label={t.value.messageLabel}
          placeholder={t.value.placeholder}
          value={text}
          onInput={(event) => { typed.value = event.currentTarget.value; }}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            if (files.length > 0) void attach(files);
            else if (!attachPasted(event.clipboardData?.getData('text/plain') ?? '')) return;
            event.preventDefault();
          }}
          onKeyDown={(event) => {
            if (!wantsSend(event)) return;
            event.preventDefault();
            submit();
          }}
        />
        <div class="tools">
          <AttachButton />
          <EffortSelect />
          <InstructionsButton />
          <span class="space" />
          <ContextGauge />
          {isRunning ? (
            <button type="button" class="round is-stop" aria-label={t.value.stop} title={t.value.stop} onClick={stop}>
              <Icon name="stop" />
            </button>
          ) : (
            <button type="submit" class="round" aria-label={t.value.send} title={t.value.send} disabled={!canSend || !isReady.value}>
              <Icon name="send" />
            </button>
          )}
        </div>
      </form>
      <p class="ai-notice">{t.value.aiNotice}</p>
    </div>
  );
}
