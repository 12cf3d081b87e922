/* What is being written, and a question that no server has taken yet: both outlive a reload.
 * They lie in the tab's own storage from the leaving of the page to its next beginning, no
 * longer, for the same user only, and never out of a temporary chat. */
import { signal } from '@preact/signals';
import { byId, pathTo } from '../core/tree';
import type { Attachment, Conversation } from '../core/types';
import { attached } from './drop';

/** The text of the field. */
export const typed = signal('');

const KEY = 'tiefsee.draft';

interface Draft {
  user: string;
  id: string | null; // of the question, if it was one
  text: string;
  files: Attachment[];
}

let isDropped = false;

/** Nothing is taken along: this user goes, or what is theirs has been erased. */
export function dropDraft(): void {
  isDropped = true;
}

/** On leaving.  isUnsent: has no server taken this message? */
export function keepDraft(user: string, shown: Conversation | null, isTemporary: boolean, isUnsent: (id: string) => boolean): void {
  if (isDropped || isTemporary || shown?.isTemporary) return;
  const question = shown ? pathTo(shown.messages, shown.leaf).findLast((m) => m.role === 'user' && isUnsent(m.id)) : undefined;
  const text = [question?.content ?? '', typed.value].filter((part) => part.trim() !== '').join('\n\n');
  const files = [...(question?.files ?? []), ...attached.value];
  if (text === '' && files.length === 0) return;
  const draft: Draft = { user, id: question?.id ?? null, text, files };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    try {
      sessionStorage.setItem(KEY, JSON.stringify({ ...draft, files: [] })); // a library of files finds no room
    } catch {
      // nor does the text: it has to be written again
    }
  }
}

/** At the beginning: back into the field, unless the server has taken it after all. */
export function takeDraft(user: string, shown: Conversation | null): void {
  try {
    const kept = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    const draft = JSON.parse(kept ?? 'null') as Partial<Draft> | null;
    if (draft?.user !== user || typeof draft.text !== 'string' || typed.value !== '') return;
    if (draft.id != null && byId(shown?.messages ?? [], draft.id)) return;
    typed.value = draft.text;
    if (Array.isArray(draft.files)) attached.value = draft.files;
  } catch {
    // no storage, or not ours
  }
}
