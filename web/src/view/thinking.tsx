/* The thoughts before an answer: open while they come, folded when the answer begins. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Markdown } from '../markdown/markdown';
import { duration, t } from '../i18n';
import { CopyButton } from './copy-button';
import { Icon } from './icon';

interface Props {
  text: string;
  /** Milliseconds that it took; null: still thinking, since `started`. */
  ms: number | null;
  started?: number | undefined;
  onAnswerNow?: (() => void) | undefined;
}

function useSeconds(started: number | undefined, isRunning: boolean): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => {
      setNow(performance.now());
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, [isRunning]);
  return started === undefined ? 0 : Math.max(0, now - started);
}

export function Thinking({ text, ms, started, onAnswerNow }: Props) {
  const isThinking = ms === null;
  const [chosen, setChosen] = useState<boolean | null>(null); // by the user
  const isOpen = chosen ?? isThinking;
  const elapsed = useSeconds(started, isThinking);
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isThinking && body.current) body.current.scrollTop = body.current.scrollHeight;
  }, [text, isThinking]);
  const label = isThinking ? t.value.thinkingFor(duration(elapsed)) : t.value.thoughtFor(duration(ms));
  return (
    <section class={`thinking${isThinking ? ' is-live' : ''}`}>
      <header>
        <button
          type="button"
          class="fold"
          aria-expanded={isOpen}
          onClick={() => {
            setChosen(!isOpen);
          }}
        >
          <span class="lantern" aria-hidden="true" />
          <span>{label}</span>
          <Icon name={isOpen ? 'down' : 'right'} />
        </button>
        {isThinking && onAnswerNow && (
          <button type="button" class="text-button" onClick={onAnswerNow}>
            <Icon name="bolt" />
            {t.value.answerNow}
          </button>
        )}
        {isOpen && !isThinking && <CopyButton text={() => text} label={t.value.copyThoughts} />}
      </header>
      {isOpen && (
        <div
          class="thoughts"
          ref={body}
          tabIndex={0}
          role="region"
          aria-label={t.value.thought}
        >
          <Markdown text={text} isLive={isThinking} />
        </div>
      )}
    </section>
  );
}
