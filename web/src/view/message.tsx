/* One turn: a question in a bubble, an answer on the page. */
import { useState } from 'preact/hooks';
import { memo } from '../core/memo';
import { versionsOf } from '../core/tree';
import type { Message } from '../core/types';
import { decimal, t } from '../i18n';
import { Markdown } from '../markdown/markdown';
import { answerNow, askShorter, continueAnswer, edit, regenerate } from '../state/answer';
import { current, newChat, path, showBranch } from '../state/chats';
import type { Live } from '../state/live';
import { model } from '../state/server';
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

/* Beside a message: which of its versions it is.  A turn is told, and so does not have to
 * look at its conversation whenever that changes. */
interface TurnProps {
  message: Message;
  version: number;
  nVersions: number;
}

function Versions({ message, version: i, nVersions: n }: TurnProps) {
  if (n < 2) return null;
  const go = (step: number) => {
    const other = versionsOf(current.peek()?.messages ?? [], message)[(i + step + n) % n];
    if (other) showBranch(other.id);
  };
  return (
    <span class="versions" role="group" aria-label={t.value.version(i + 1, n)}>
      <Action icon="left" label={t.value.previousVersion} onClick={() => { go(-1); }} />
      <span aria-hidden="true">{`${i + 1}/${n}`}</span>
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

function Question({ message, ...place }: TurnProps) {
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
        <Versions message={message} {...place} />
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

/* The context is full.  Nothing is left out without being asked for: the older turns stay on
 * the page, and the model goes on with the newest ones only if the reader wants that. */
function Full({ message }: { message: Message }) {
  const isAlone = message.code === 'message_too_long' || path.value.length <= 2;
  return (
    <div class="outcome is-full" role="group" aria-label={t.value.context}>
      <p>{isAlone ? t.value.messageTooLong : t.value.contextFull}</p>
      <p class="quiet">{message.error}</p>
      <div class="row">
        {!isAlone && <button type="button" class="primary" onClick={() => { askShorter(message); }}>{t.value.goOnShorter}</button>}
        <button type="button" class="text-button outlined" onClick={() => { newChat(); }}>{t.value.newChat}</button>
      </div>
    </div>
  );
}

function fillsContext({ usage }: Message): boolean {
  const all = model.value?.context ?? 0;
  return usage !== undefined && all > 0 && usage.prompt + usage.completion >= all - 1;
}

function Outcome({ message }: { message: Message }) {
  const { finish } = message;
  if (finish === 'aborted') return <p class="outcome">{t.value.stopped}</p>;
  if (finish === 'length') return <p class="outcome">{fillsContext(message) ? t.value.cutByContext : t.value.cutByLength}</p>;
  if (message.code === 'context_length_exceeded' || message.code === 'message_too_long') return <Full message={message} />;
  if (finish === 'error') return <p class="outcome is-error">{message.error ?? t.value.failed}</p>;
  return null;
}

function AnswerFooter({ message, ...place }: TurnProps) {
  return (
    <footer>
      <Versions message={message} {...place} />
      <CopyButton text={() => message.content} label={t.value.copy} />
      <Action icon="again" label={t.value.regenerate} onClick={() => { regenerate(message); }} />
      {canSteer() && message.finish !== 'stop' && (
        <Action icon="forward" label={t.value.continueAnswer} onClick={() => { continueAnswer(message); }} />
      )}
      <Numbers message={message} />
    </footer>
  );
}

/* While it is live it is drawn with every frame of the stream, and alone; when it ends, its
 * elements stay what they are. */
function Answer({ live, ...turn }: TurnProps & { live: Live | undefined }) {
  const { message } = turn;
  const reasoning = live ? live.reasoning.value : message.reasoning;
  const content = live ? live.content.value : message.content;
  const isWaiting = live !== undefined && reasoning === '' && content === '';
  return (
    <article class={`answer${live ? ' is-live' : ''}`} aria-label={t.value.assistant} aria-busy={live ? 'true' : undefined}>
      <h2 class="offscreen">{t.value.assistant}</h2>
      {reasoning !== '' && (
        <Thinking
          text={reasoning}
          ms={live ? live.thinkingMs.value : (message.thinkingMs ?? 0)}
          started={live?.started}
          onAnswerNow={live && canSteer() ? answerNow : undefined}
        />
      )}
      {isWaiting ? (
        <p class="waiting"><span class="lantern" aria-hidden="true" />{t.value.waiting}</p>
      ) : (
        <Markdown text={content} isLive={live !== undefined} />
      )}
      {!live && <Outcome message={message} />}
      {!live && <AnswerFooter {...turn} />}
    </article>
  );
}

export const Turn = memo(function Turn({ live, ...turn }: TurnProps & { live: Live | undefined }) {
  return turn.message.role === 'user' ? <Question {...turn} /> : <Answer live={live} {...turn} />;
});
