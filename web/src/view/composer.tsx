/* Where questions are written. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { EFFORTS, type Effort } from '../core/types';
import { t } from '../i18n';
import { liveNow, send, stop } from '../state/answer';
import { currentId } from '../state/chats';
import { changeSettings, settings } from '../state/settings';
import { ContextGauge } from './gauge';
import { Icon } from './icon';

export const INPUT_ID = 'message-input';

/** Enter makes a new line on touch keyboards, which have no Shift + Enter. */
const isTouch = matchMedia('(pointer: coarse)').matches;

function wantsSend(event: KeyboardEvent): boolean {
  if (event.key !== 'Enter' || event.isComposing || event.shiftKey) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return settings.value.sendWith === 'enter' && !isTouch;
}

function EffortSelect() {
  const names: Record<Effort, string> = {
    off: t.value.effortOff,
    low: t.value.effortLow,
    high: t.value.effortHigh,
    max: t.value.effortMax,
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

export function Composer() {
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const isRunning = liveNow() !== undefined;

  useLayoutEffect(() => {
    if (!field.current) return;
    field.current.style.height = 'auto';
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);
  useLayoutEffect(() => {
    if (!isTouch) field.current?.focus();
  }, [currentId.value]);

  const submit = () => {
    if (text.trim() === '' || isRunning) return;
    send(text.trim(), []);
    setText('');
  };
  return (
    <div class="composer-box">
      <form class="composer" onSubmit={(event) => { event.preventDefault(); submit(); }}>
        <textarea
          id={INPUT_ID}
          ref={field}
          rows={1}
          dir="auto"
          aria-label={t.value.messageLabel}
          placeholder={t.value.placeholder}
          value={text}
          onInput={(event) => { setText(event.currentTarget.value); }}
          onKeyDown={(event) => {
            if (!wantsSend(event)) return;
            event.preventDefault();
            submit();
          }}
        />
        <div class="tools">
          <EffortSelect />
          <span class="space" />
          <ContextGauge />
          {isRunning ? (
            <button type="button" class="round" aria-label={t.value.stop} title={t.value.stop} onClick={stop}>
              <Icon name="stop" />
            </button>
          ) : (
            <button type="submit" class="round" aria-label={t.value.send} title={t.value.send} disabled={text.trim() === ''}>
              <Icon name="send" />
            </button>
          )}
        </div>
      </form>
      <p class="ai-notice">{t.value.aiNotice}</p>
    </div>
  );
}
