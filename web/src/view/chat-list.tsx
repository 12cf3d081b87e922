/* The list of conversations: pinned, folders, today, earlier; or what a search found. */
import type { Summary } from '../core/types';
import { t } from '../i18n';
import { show } from '../state/answer';
import { currentId, listMore } from '../state/chats';
import { lives } from '../state/live';
import { notify } from '../state/notices';
import { changeSettings } from '../state/settings';
import { chatActions } from './chat-actions';
import { Menu } from './menu';

const isNarrow = () => matchMedia('(max-width: 760px)').matches;

function open(id: string): void {
  show(id).catch(() => {
    notify(t.value.notLoaded, true);
  });
  if (isNarrow()) changeSettings({ isSidebarOpen: false });
}

function Row({ chat }: { chat: Summary }) {
  return (
    <li>
      <button
        type="button"
        class="chat-link"
        aria-current={chat.id === currentId.value ? 'page' : undefined}
        onClick={() => { open(chat.id); }}
      >
        {lives.value[chat.id] && <span class="lantern" aria-hidden="true" />}
        <bdi>{chat.title || t.value.untitled}</bdi>
      </button>
      <Menu label={t.value.chatMenu(chat.title)} items={chatActions(chat)} />
    </li>
  );
}

function Group({ title, chats }: { title: string; chats: Summary[] }) {
  if (chats.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul>{chats.map((c) => <Row key={c.id} chat={c} />)}</ul>
    </section>
  );
}

function Folder({ name, chats }: { name: string; chats: Summary[] }) {
  return (
    <details open={chats.some((c) => c.id === currentId.value)}>
      <summary><bdi>{name}</bdi><span class="quiet">{chats.length}</span></summary>
      <ul>{chats.map((c) => <Row key={c.id} chat={c} />)}</ul>
    </details>
  );
}

function isToday(time: number): boolean {
  return new Date(time).toDateString() === new Date().toDateString();
}

const MORE_PX = 600;

export function ChatList({ chats, isSearch }: { chats: Summary[]; isSearch: boolean }) {
  const loose = chats.filter((c) => !c.isPinned && c.folder === '');
  const names = [...new Set(chats.filter((c) => !c.isPinned).map((c) => c.folder))].filter((f) => f !== '').sort();
  const onScroll = (event: Event) => {
    const e = event.currentTarget as HTMLElement;
    if (!isSearch && e.scrollHeight - e.scrollTop - e.clientHeight < MORE_PX) void listMore();
  };
  return (
    <div class="chat-list" onScroll={onScroll} tabIndex={-1}>
      {chats.length === 0 && <p class="quiet">{isSearch ? t.value.noMatches : t.value.noChats}</p>}
      {isSearch ? (
        <ul>{chats.map((c) => <Row key={c.id} chat={c} />)}</ul>
      ) : (
        <>
          <Group title={t.value.pinned} chats={chats.filter((c) => c.isPinned)} />
          {names.map((name) => (
            <Folder key={name} name={name} chats={chats.filter((c) => !c.isPinned && c.folder === name)} />
          ))}
          <Group title={t.value.today} chats={loose.filter((c) => isToday(c.updated))} />
          <Group title={t.value.earlier} chats={loose.filter((c) => !isToday(c.updated))} />
        </>
      )}
    </div>
  );
}
