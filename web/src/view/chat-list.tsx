/* The list of conversations: pinned, folders, today, earlier; or what a search found. */
import { useMemo, useState } from 'preact/hooks';
import type { Summary } from '../core/types';
import { t } from '../i18n';
import { show } from '../state/answer';
import { currentId, listMore } from '../state/chats';
import { lives } from '../state/live';
import { notify } from '../state/notices';
import { changeSettings } from '../state/settings';
import { chatActions } from './chat-actions';
import { Menu } from './menu';
import { Windowed } from './windowed';

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
      <Menu label={t.value.chatMenu(chat.title)} items={() => chatActions(chat)} />
    </li>
  );
}

const ROW_REM = 2.25; // as the style has it

function Rows({ chats }: { chats: Summary[] }) {
  return (
    <Windowed
      n={chats.length}
      rowRem={ROW_REM}
      row={(i) => {
        const chat = chats[i];
        return chat && <Row key={chat.id} chat={chat} />;
      }}
    />
  );
}

function Group({ title, chats }: { title: string; chats: Summary[] }) {
  if (chats.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <Rows chats={chats} />
    </section>
  );
}

function Folder({ name, chats }: { name: string; chats: Summary[] }) {
  const [isOpen, setOpen] = useState(() => chats.some((c) => c.id === currentId.value));
  return (
    <details open={isOpen} onToggle={(event) => { setOpen(event.currentTarget.open); }}>
      <summary><bdi>{name}</bdi><span class="quiet">{chats.length}</span></summary>
      {isOpen && <Rows chats={chats} />}
    </details>
  );
}

interface Groups {
  pinned: Summary[];
  folders: Map<string, Summary[]>;
  today: Summary[];
  earlier: Summary[];
}

function grouped(chats: readonly Summary[]): Groups {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const groups: Groups = { pinned: [], folders: new Map(), today: [], earlier: [] };
  for (const chat of chats) {
    if (chat.isPinned) groups.pinned.push(chat);
    else if (chat.folder === '') (chat.updated >= midnight ? groups.today : groups.earlier).push(chat);
    else {
      const inside = groups.folders.get(chat.folder);
      if (inside) inside.push(chat);
      else groups.folders.set(chat.folder, [chat]);
    }
  }
  return groups;
}

function All({ chats }: { chats: Summary[] }) {
  const { pinned, folders, today, earlier } = useMemo(() => grouped(chats), [chats]);
  return (
    <>
      <Group title={t.value.pinned} chats={pinned} />
      {[...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inside]) => <Folder key={name} name={name} chats={inside} />)}
      <Group title={t.value.today} chats={today} />
      <Group title={t.value.earlier} chats={earlier} />
    </>
  );
}

const MORE_PX = 600;

export function ChatList({ chats, isSearch }: { chats: Summary[]; isSearch: boolean }) {
  const onScroll = (event: Event) => {
    const e = event.currentTarget as HTMLElement;
    if (!isSearch && e.scrollHeight - e.scrollTop - e.clientHeight < MORE_PX) void listMore();
  };
  return (
    <div class="chat-list" onScroll={onScroll} tabIndex={-1}>
      {chats.length === 0 && <p class="quiet">{isSearch ? t.value.noMatches : t.value.noChats}</p>}
      {isSearch ? <Rows chats={chats} /> : <All chats={chats} />}
    </div>
  );
}
