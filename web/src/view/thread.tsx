/* The shown branch.  Follows the end of a stream unless the reader has scrolled up.
 *
 * Turns lie in groups: what a stream changes is laid out and painted within the last one, and
 * a browser that skips what is out of sight watches groups, not every turn. */
import { Fragment } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { placesOf, readFrom, type Place } from '../core/tree';
import type { Message } from '../core/types';
import { t } from '../i18n';
import { current, currentId, path } from '../state/chats';
import { lives, type Live } from '../state/live';
import { Icon } from './icon';
import { Turn } from './message';

const NEAR_PX = 80;
const GROUP = 4;
const FIRST_SHOWN = 2; // groups drawn at once; older ones follow when there is time

function useGrowingTail(key: string | null, n: number): number {
  const [shown, setShown] = useState({ key, n: FIRST_SHOWN });
  const now = shown.key === key ? shown.n : FIRST_SHOWN;
  useEffect(() => {
    if (now >= n) return;
    const more = () => {
      setShown({ key, n: now + 1 });
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

interface GroupProps {
  messages: Message[];
  live: Live | undefined;
  places: Map<string, Place>;
  from: string | null;
}

function Group({ messages, live, places, from }: GroupProps) {
  return (
    <div class="turns">
      {messages.map((m) => (
        <Fragment key={m.id}>
          {m.id === from && <p class="read-from" title={t.value.readFromHint}><span>{t.value.readFrom}</span></p>}
          <Turn
            message={m}
            live={live?.messageId === m.id ? live : undefined}
            version={places.get(m.id)?.i ?? 0}
            nVersions={places.get(m.id)?.n ?? 1}
          />
        </Fragment>
      ))}
    </div>
  );
}

export function Thread() {
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const messages = path.value;
  const id = currentId.value;
  const live = id === null ? undefined : lives.value[id];
  const nGroups = Math.ceil(messages.length / GROUP);
  const skipped = useGrowingTail(id, nGroups);
  const from = readFrom(messages);
  const all = current.value?.messages;
  const places = useMemo(() => placesOf(all ?? []), [all]);

  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  useEffect(() => {
    setAtEnd(true); // another chat, or something was said in this one
  }, [id, messages.length]);
  useEffect(() => {
    const inner = box.current?.firstElementChild;
    if (!inner || !isAtEnd) return;
    const observer = new ResizeObserver(toEnd); // also called at once
    observer.observe(inner);
    return () => {
      observer.disconnect();
    };
  }, [isAtEnd, id]);

  const onScroll = () => {
    const e = box.current;
    if (e) setAtEnd(e.scrollHeight - e.scrollTop - e.clientHeight < NEAR_PX);
  };
  const groups = [];
  for (let g = skipped; g < nGroups; g++)
    groups.push(
      <Group
        key={`${id ?? ''}/${g}`}
        messages={messages.slice(g * GROUP, (g + 1) * GROUP)}
        live={live}
        places={places}
        from={from}
      />,
    );
  return (
    <div class="thread" ref={box} onScroll={onScroll} tabIndex={-1}>
      <div class="column">{groups}</div>
      {!isAtEnd && (
        <button type="button" class="to-end" aria-label={t.value.scrollDown} title={t.value.scrollDown} onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}
