/* One turn: a question in a bubble, an answer on the page. */
import { useState } from 'preact/hooks';
import { memo } from '../core/memo';
import { versionsOf } from '../core/tree';
import type { Message } from '../core/types';
import { decimal, t } from '../i18n';
import { Markdown } from '../markdown/markdown';
import { answerNow, continueAnswer, edit, regenerate } from '../state/answer';
import { current, showBranch } from '../state/chats';
import type { Live } from '../state/live';
import { canSteer } from '../state/talk';
import { CopyButton } from './copy-button';
import { Icon, type IconName } from './icon';
import { Thinking } from './thinking';

interface ActionProps {
  icon: IconName;
  label: string;
  onClick: () => void;
}

function Action({ icon, label, onClick }: ActionProps) {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

function Versions({ message }: { message: Message }) {
  const all = versionsOf(current.value?.messages ?? [], message);
  const i = all.findIndex((m) => m.id === message.id);
  if (all.length < 2) return null;
  const go = (step: number) => {
    const other = all[(i + step + all.length) % all.length];
    if (other) showBranch(other.id);
  };
  return (
    <span class="versions" role="group" aria-label={t.value.version(i + 1, all.length)}>
      <Action icon="left" label={t.value.previousVersion} onClick={() => { go(-1); }} />
      <span aria-hidden="true">{`${i + 1}/${all.length}`}</span>
      <Action icon="right" label={t.value.nextVersion} onClick={() => { go(1); }} />
    </span>
  );
}

function Editor({ message, onDone }: { message: Message; onDone: () => void }) {
  const [text, setText] = useState(message.content);
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') void edit(message, text);
        onDone();
      }}
    >
      <textarea
        aria-label={t.value.editMessage}
        value={text}
        ref={(field) => field?.focus()}
        onInput={(event) => { setText(event.currentTarget.value); }}
        onKeyDown={(event) => { if (event.key === 'Escape') onDone(); }}
      />
      <div class="row">
        <button type="button" class="text-button" onClick={onDone}>{t.value.cancel}</button>
        <button type="submit" class="primary">{t.value.send}</button>
      </div>
    </form>
  );
}

function Files({ message }: { message: Message }) {
  if (!message.files?.length) return null;
  return (
    <ul class="files">
      {message.files.map((file, i) => (
        <li key={i}><Icon name="file" /><bdi>{file.name}</bdi></li>
      ))}
    </ul>
  );
}

function Question({ message }: { message: Message }) {
  const [isEditing, setEditing] = useState(false);
  return (
    <article class="question" aria-label={t.value.you}>
      <h2 class="offscreen">{t.value.you}</h2>
      <Files message={message} />
      {isEditing ? (
        <Editor message={message} onDone={() => { setEditing(false); }} />
      ) : (
        message.content !== '' && <div class="bubble" dir="auto">{message.content}</div>
      )}
      <footer>
        <Versions message={message} />
        <Action icon="pencil" label={t.value.edit} onClick={() => { setEditing(true); }} />
        <CopyButton text={() => message.content} label={t.value.copy} />
      </footer>
    </article>
  );
}

/* A whole answer within a frame or two says nothing about speed. */
const MEASURABLE_MS = 50;

function Numbers({ message }: { message: Message }) {
  const { usage, answerMs } = message;
  if (!usage) return null;
  const rate = answerMs && answerMs > MEASURABLE_MS && usage.completion > 1 ? ((usage.completion - 1) * 1000) / answerMs : 0;
  return (
    <span class="numbers">
      {rate > 0 && <span>{t.value.speed(decimal(rate))}</span>}
      <span>{t.value.tokens(usage.completion)}</span>
      {usage.cached > 0 && <span>{t.value.cachedTokens(usage.cached)}</span>}
      {message.model && <span>{message.model}</span>}
    </span>
  );
}

function Outcome({ message }: { message: Message }) {
  const { finish } = message;
  if (finish === 'aborted') return <p class="outcome">{t.value.stopped}</p>;
  if (finish === 'length') return <p class="outcome">{t.value.cutByLength}</p>;
  if (finish === 'error') return <p class="outcome is-error">{message.error ?? t.value.failed}</p>;
  return null;
}

function Answer({ message }: { message: Message }) {
  return (
    <article class="answer" aria-label={t.value.assistant}>
      <h2 class="offscreen">{t.value.assistant}</h2>
      {message.reasoning !== '' && <Thinking text={message.reasoning} ms={message.thinkingMs ?? 0} />}
      <Markdown text={message.content} isLive={false} />
      <Outcome message={message} />
      <footer>
        <Versions message={message} />
        <CopyButton text={() => message.content} label={t.value.copy} />
        <Action icon="again" label={t.value.regenerate} onClick={() => { regenerate(message); }} />
        {canSteer() && message.finish !== 'stop' && (
          <Action icon="forward" label={t.value.continueAnswer} onClick={() => { continueAnswer(message); }} />
        )}
        <Numbers message={message} />
      </footer>
    </article>
  );
}

/** Drawn with every frame of a stream, and alone. */
export function LiveAnswer({ live }: { live: Live }) {
  const reasoning = live.reasoning.value;
  const content = live.content.value;
  return (
    <article class="answer is-live" aria-label={t.value.assistant} aria-busy="true">
      <h2 class="offscreen">{t.value.assistant}</h2>
      {reasoning !== '' && (
        <Thinking
          text={reasoning}
          ms={live.thinkingMs.value}
          started={live.started}
          onAnswerNow={canSteer() ? answerNow : undefined}
        />
      )}
      {reasoning === '' && content === '' ? (
        <p class="waiting"><span class="lantern" aria-hidden="true" />{t.value.waiting}</p>
      ) : (
        <Markdown text={content} isLive />
      )}
    </article>
  );
}

export const Turn = memo(function Turn({ message }: { message: Message }) {
  return message.role === 'user' ? <Question message={message} /> : <Answer message={message} />;
});
