/* The shown branch.  Follows the end of a stream unless the reader has scrolled up. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { currentId, path } from '../state/chats';
import { lives } from '../state/live';
import { Icon } from './icon';
import { LiveAnswer, Turn } from './message';

const NEAR_PX = 80;
const FIRST_SHOWN = 12; // turns drawn at once; older ones follow when there is time
const MORE = 12;

function useGrowingTail(key: string | null, n: number): number {
  const [shown, setShown] = useState({ key, n: FIRST_SHOWN });
  const now = shown.key === key ? shown.n : FIRST_SHOWN;
  useEffect(() => {
    if (now >= n) return;
    const more = () => {
      setShown({ key, n: now + MORE });
    };
    const idle = 'requestIdleCallback' in window ? requestIdleCallback(more) : null;
    const timer = idle === null ? setTimeout(more, 30) : 0;
    return () => {
      if (idle !== null) cancelIdleCallback(idle);
      clearTimeout(timer);
    };
  }, [key, now, n]);
  return Math.max(0, n - now);
}

export function Thread() {
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const messages = path.value;
  const id = currentId.value;
  const live = id === null ? undefined : lives.value[id];
  const skipped = useGrowingTail(id, messages.length);

  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(toEnd, [id, messages.length]);
  useEffect(() => {
    if (!box.current || !isAtEnd) return;
    const inner = box.current.firstElementChild;
    if (!inner) return;
    const observer = new ResizeObserver(toEnd);
    observer.observe(inner);
    return () => {
      observer.disconnect();
    };
  }, [isAtEnd, id]);

  const onScroll = () => {
    const e = box.current;
    if (e) setAtEnd(e.scrollHeight - e.scrollTop - e.clientHeight < NEAR_PX);
  };
  return (
    <div class="thread" ref={box} onScroll={onScroll} tabIndex={-1}>
      <div class="column">
        {messages.slice(skipped).map((m) =>
          live?.messageId === m.id ? <LiveAnswer key={m.id} live={live} /> : <Turn key={m.id} message={m} />,
        )}
      </div>
      {!isAtEnd && (
        <button type="button" class="to-end" aria-label={t.value.scrollDown} title={t.value.scrollDown} onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}
