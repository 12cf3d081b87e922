/* Downloads and uploads of conversations. */
import type { Conversation } from '../core/types';
import { cleanName } from '../files/extract';
import { t } from '../i18n';
import { addConversations, listAll, loadFull } from '../state/chats';
import { notify } from '../state/notices';
import { readImport } from './import';
import { toMarkdown } from './markdown-export';
import { wireConversation } from './wire';

function download(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 60_000);
}

export function toJson(conversations: Conversation[]): string {
  const all = {
    format: 'tiefsee-export',
    version: 1,
    ai_generated: true,
    exported: Date.now(),
    conversations: conversations.map(wireConversation),
  };
  return JSON.stringify(all, null, 1);
}

function fileName(title: string, ending: string): string {
  const safe = title.replace(/[^\p{L}\p{N} _-]+/gu, '').trim().slice(0, 60);
  return `${safe || 'tiefsee'}.${ending}`;
}

function explain(): void {
  notify(t.value.notLoaded, true);
}

export async function exportChat(id: string, form: 'markdown' | 'json'): Promise<void> {
  try {
    const chat = await loadFull(id);
    if (form === 'markdown') download(fileName(chat.title, 'md'), 'text/markdown', toMarkdown(chat));
    else download(fileName(chat.title, 'json'), 'application/json', toJson([chat]));
  } catch {
    explain();
  }
}

export async function exportAll(): Promise<void> {
  try {
    const chats = [];
    for (const { id } of await listAll()) chats.push(await loadFull(id));
    download(fileName('tiefsee', 'json'), 'application/json', toJson(chats));
  } catch {
    explain();
  }
}

const MAX_IMPORT_BYTES = 512 << 20; // a text in memory has its bounds

export async function importFile(file: File): Promise<void> {
  if (file.size > MAX_IMPORT_BYTES) {
    notify(t.value.fileRefused.large(cleanName(file.name)), true);
    return;
  }
  const chats = readImport(await file.text().catch(() => ''));
  if (chats.length === 0) {
    notify(t.value.importFailed, true);
    return;
  }
  await addConversations(chats).then(
    (n) => { notify(t.value.imported(n)); },
    () => { notify(t.value.notSaved, true); },
  );
}
