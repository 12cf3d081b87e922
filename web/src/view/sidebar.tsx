import { t } from '../i18n';
import { currentId, newChat, openChat, summaries } from '../state/chats';
import { dialog } from '../state/dialogs';
import { changeSettings, settings } from '../state/settings';
import { Icon } from './icon';

export function toggleSidebar(): void {
  changeSettings({ isSidebarOpen: !settings.value.isSidebarOpen });
}

export function Sidebar() {
  return (
    <nav class="sidebar" aria-label={t.value.chats}>
      <div class="sidebar-head">
        <span class="brand"><span class="lantern" aria-hidden="true" />Tiefsee</span>
        <button type="button" class="icon-button" aria-label={t.value.hideSidebar} title={t.value.hideSidebar} onClick={toggleSidebar}>
          <Icon name="sidebar" />
        </button>
      </div>
      <button type="button" class="new-chat" onClick={() => { newChat(); }}>
        <Icon name="plus" />{t.value.newChat}
      </button>
      <ul class="chat-list">
        {summaries.value.map((s) => (
          <li key={s.id}>
            <button type="button" class="chat-link" aria-current={s.id === currentId.value ? 'page' : undefined} onClick={() => void openChat(s.id)}>
              <bdi>{s.title}</bdi>
            </button>
          </li>
        ))}
      </ul>
      {summaries.value.length === 0 && <p class="quiet">{t.value.noChats}</p>}
      <div class="sidebar-foot">
        <button type="button" class="text-button" onClick={() => { dialog.value = { kind: 'settings' }; }}>
          <Icon name="settings" />{t.value.settings}
        </button>
      </div>
    </nav>
  );
}
