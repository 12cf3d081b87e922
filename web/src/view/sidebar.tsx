import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Summary } from '../core/types';
import { t } from '../i18n';
import { newChat, search, summaries } from '../state/chats';
import { dialog } from '../state/dialogs';
import { changeSettings, settings } from '../state/settings';
import { ChatList } from './chat-list';
import { Icon } from './icon';

export const SEARCH_ID = 'chat-search';
const TYPING_MS = 120;

const query = signal('');
const found = signal<Summary[]>([]);

export function toggleSidebar(): void {
  changeSettings({ isSidebarOpen: !settings.value.isSidebarOpen });
}

function Search() {
  useEffect(() => {
    const wanted = query.value.trim();
    if (wanted === '') return;
    const timer = setTimeout(() => {
      search(wanted, (list) => {
        const isWanted = query.value.trim() === wanted;
        if (isWanted) found.value = list;
        return isWanted;
      }).catch(() => undefined);
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [query.value, summaries.value]);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="offscreen">{t.value.searchChats}</span>
      <input
        id={SEARCH_ID}
        type="search"
        placeholder={t.value.searchChats}
        value={query.value}
        onInput={(event) => { query.value = event.currentTarget.value; }}
        onKeyDown={(event) => { if (event.key === 'Escape') query.value = ''; }}
      />
    </label>
  );
}

export function Sidebar() {
  const isSearch = query.value.trim() !== '';
  return (
    <nav class="sidebar" aria-label={t.value.chats}>
      <div class="sidebar-head">
        <span class="brand"><span class="lantern" aria-hidden="true" />Tiefsee</span>
        <button type="button" class="icon-button" aria-label={t.value.hideSidebar} title={t.value.hideSidebar} onClick={toggleSidebar}>
          <Icon name="sidebar" />
        </button>
      </div>
      <div class="new-row">
        <button type="button" class="new-chat" onClick={() => { newChat(); }}>
          <Icon name="plus" />{t.value.newChat}
        </button>
        <button type="button" class="icon-button" aria-label={t.value.temporaryChat} title={t.value.temporaryChat} onClick={() => { newChat(true); }}>
          <Icon name="ghost" />
        </button>
      </div>
      <Search />
      <ChatList chats={isSearch ? found.value : summaries.value} isSearch={isSearch} />
      <div class="sidebar-foot">
        <button type="button" class="text-button" onClick={() => { dialog.value = { kind: 'settings' }; }}>
          <Icon name="settings" />{t.value.settings}
        </button>
        <span class="space" />
        <button type="button" class="icon-button" aria-label={t.value.shortcuts} title={t.value.shortcuts} onClick={() => { dialog.value = { kind: 'shortcuts' }; }}>
          <Icon name="keyboard" />
        </button>
      </div>
    </nav>
  );
}
