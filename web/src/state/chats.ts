/* The conversations: the list, those that are loaded, the one that is shown.  Changes
 * are made here at once and written to the store behind; a temporary chat never is. */
import { computed, signal } from '@preact/signals';
import { newId } from '../core/id';
import { byId, newestLeaf, pathTo, withChange, withMessage } from '../core/tree';
import type { Attachment, Conversation, Message, Summary } from '../core/types';
import { t } from '../i18n';
import { MemoryStore } from './memory-store';
import { notify } from './notices';
import { model } from './server';
import { settings } from './settings';
import type { Meta, Store } from './store';

let store: Store = new MemoryStore();

export const summaries = signal<Summary[]>([]);
export const loaded = signal<Readonly<Record<string, Conversation>>>({});
export const currentId = signal<string | null>(null);
export const isTemporary = signal(false); // what the next chat will be

export const current = computed<Conversation | null>(() =>
  currentId.value === null ? null : (loaded.value[currentId.value] ?? null),
);

/** The branch that is shown. */
export const path = computed<Message[]>(() =>
  current.value ? pathTo(current.value.messages, current.value.leaf) : [],
);

let next: string | null = null; // of the list
const creations = new Map<string, Promise<void>>();

/** Is there a server API that can keep, steer and continue answers? */
export function hasAppApi(): boolean {
  return store.keepsAnswers;
}

/** Does the server write this conversation down itself? */
export function isStored(c: Conversation): boolean {
  return store.keepsAnswers && !c.isTemporary;
}

/** Resolves when the store knows the conversation. */
export function whenCreated(id: string): Promise<void> {
  return creations.get(id) ?? Promise.resolve();
}

function create(conversation: Conversation): void {
  const work = store.create(conversation);
  creations.set(conversation.id, work);
  write(work);
}

export async function useStore(other: Store): Promise<void> {
  store = other;
  const page = await store.list(null);
  summaries.value = sorted(page.summaries);
  next = page.next;
}

/** The list was read to its end: is there more? */
export async function listMore(): Promise<void> {
  if (next === null) return;
  const from = next;
  next = null; // asked for once
  const page = await store.list(from);
  const known = new Set(summaries.value.map((s) => s.id));
  summaries.value = sorted([...summaries.value, ...page.summaries.filter((s) => !known.has(s.id))]);
  next = page.next;
}

function sorted(list: Summary[]): Summary[] {
  return [...list].sort((a, b) => b.updated - a.updated);
}

function write(work: Promise<void>): void {
  work.catch(() => {
    notify(t.value.notSaved, true);
  });
}

function put(conversation: Conversation): void {
  loaded.value = { ...loaded.value, [conversation.id]: conversation };
  if (conversation.isTemporary) return;
  const { id, title, folder, isPinned, created, updated } = conversation;
  const summary = { id, title, folder, isPinned, created, updated };
  summaries.value = sorted([summary, ...summaries.value.filter((s) => s.id !== id)]);
}

/* ------------------------------------------------------------------ open, new */

export function newChat(temporary = false): void {
  currentId.value = null;
  isTemporary.value = temporary;
}

export async function openChat(id: string): Promise<void> {
  if (!loaded.value[id]) {
    const conversation = await store.open(id);
    loaded.value = { ...loaded.value, [id]: conversation };
  }
  isTemporary.value = false;
  currentId.value = id;
}

/** The shown conversation, or a new one if none is. */
export function currentOrNew(title: string): Conversation {
  if (current.value) return current.value;
  const now = Date.now();
  const conversation: Conversation = {
    id: newId(),
    title,
    folder: '',
    isPinned: false,
    isTemporary: isTemporary.value,
    created: now,
    updated: now,
    model: model.value?.id ?? '',
    system: settings.value.instructions,
    messages: [],
    leaf: null,
  };
  put(conversation);
  if (!conversation.isTemporary) create(conversation);
  currentId.value = conversation.id;
  return conversation;
}

export function addConversation(conversation: Conversation): void {
  put(conversation);
  create(conversation);
}

export function search(query: string): Promise<Summary[]> {
  return store.search(query);
}

export function filesOf(id: string, message: Message): Promise<Attachment[]> {
  return store.filesOf(id, message);
}

export function loadFull(id: string): Promise<Conversation> {
  const conversation = loaded.value[id];
  return conversation ? Promise.resolve(conversation) : store.open(id);
}

/* -------------------------------------------------------------------- changes */

export async function changeChat(id: string, meta: Partial<Meta>): Promise<void> {
  const conversation = loaded.value[id];
  if (conversation) put({ ...conversation, ...meta });
  else
    summaries.value = summaries.value.map((s) => (s.id === id ? { ...s, ...summaryPart(meta) } : s));
  if (conversation?.isTemporary) return;
  await store.change(id, meta).catch(() => {
    notify(t.value.notSaved, true);
  });
}

/** The store has named it itself. */
export function noteTitle(id: string, title: string): void {
  const conversation = loaded.value[id];
  if (conversation && title !== '') put({ ...conversation, title });
}

function summaryPart({ title, folder, isPinned }: Partial<Meta>): Partial<Summary> {
  return {
    ...(title === undefined ? {} : { title }),
    ...(folder === undefined ? {} : { folder }),
    ...(isPinned === undefined ? {} : { isPinned }),
  };
}

export function removeChat(id: string): void {
  if (currentId.value === id) newChat();
  const { [id]: gone, ...rest } = loaded.value;
  loaded.value = rest;
  summaries.value = summaries.value.filter((s) => s.id !== id);
  if (!gone?.isTemporary) write(store.remove(id));
}

/** Add a message and show it. */
export function addMessage(id: string, message: Message): void {
  const conversation = loaded.value[id];
  if (!conversation) return;
  put(withMessage(conversation, message));
  if (conversation.isTemporary || store.keepsAnswers) return;
  write(store.putMessage(id, message));
}

export function changeMessage(id: string, messageId: string, change: Partial<Message>): void {
  const conversation = loaded.value[id];
  if (!conversation) return;
  const changed = withChange(conversation, messageId, change);
  put(changed);
  const message = byId(changed.messages, messageId);
  if (message && !conversation.isTemporary && !store.keepsAnswers) write(store.putMessage(id, message));
}

/** Show the newest branch through a message. */
export function showBranch(messageId: string): void {
  const conversation = current.value;
  if (!conversation) return;
  void changeChat(conversation.id, { leaf: newestLeaf(conversation.messages, messageId) });
}
