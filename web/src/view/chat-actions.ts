/* What can be done with a conversation, from its row and from its title. */
import { exportChat } from '../io/transfer';
import type { Summary } from '../core/types';
import { t } from '../i18n';
import { changeChat, removeChat, summaries } from '../state/chats';
import { dialog } from '../state/dialogs';
import type { MenuItem } from './menu';

export function folders(): string[] {
  return [...new Set(summaries.value.map((s) => s.folder).filter((f) => f !== ''))].sort();
}

function askName(chat: Summary): void {
  dialog.value = {
    kind: 'prompt',
    title: t.value.rename,
    label: t.value.chatName,
    value: chat.title,
    options: [],
    onSubmit: (title) => {
      if (title !== '') void changeChat(chat.id, { title });
    },
  };
}

function askFolder(chat: Summary): void {
  dialog.value = {
    kind: 'prompt',
    title: t.value.moveToFolder,
    label: t.value.folderName,
    value: chat.folder,
    options: folders(),
    onSubmit: (folder) => void changeChat(chat.id, { folder }),
  };
}

function askRemoval(chat: Summary): void {
  dialog.value = {
    kind: 'confirm',
    text: t.value.removeChat(chat.title),
    action: t.value.remove,
    onConfirm: () => {
      removeChat(chat.id);
    },
  };
}

export function chatActions(chat: Summary): MenuItem[] {
  return [
    { icon: 'pencil', label: t.value.rename, run: () => { askName(chat); } },
    {
      icon: 'pin',
      label: chat.isPinned ? t.value.unpin : t.value.pin,
      run: () => void changeChat(chat.id, { isPinned: !chat.isPinned }),
    },
    { icon: 'folder', label: t.value.moveToFolder, run: () => { askFolder(chat); } },
    { icon: 'file', label: t.value.exportMarkdown, run: () => void exportChat(chat.id, 'markdown') },
    { icon: 'file', label: t.value.exportJson, run: () => void exportChat(chat.id, 'json') },
    { icon: 'trash', label: t.value.remove, run: () => { askRemoval(chat); }, isDanger: true },
  ];
}
