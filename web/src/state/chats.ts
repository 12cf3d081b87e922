/* The conversations: the list, those that are loaded, the one that is shown.  Changes
 * are made here at once and written to the store behind; a temporary chat never is. */
import { computed, signal } from '@preact/signals';
import { ApiError } from '../api/base';
import { newId } from '../core/id';
import { byId, merged, newestLeaf, pathTo, withChange, withMessage } from '../core/tree';
import type { Attachment, Conversation, Message, Summary } from '../core/types';
import { t } from '../i18n';
import { lives } from './live';
import { MemoryStore } from './memory-store';
import { notify } from './notices';
import { model } from './server';
import { settings } from './settings';
import type { Meta, Store } from './store';
import { tellOthers } from './tabs';

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
let listing = 0; // counts beginnings of the list: what was asked for before belongs to another
let opening = 0; // counts wishes to see a chat: only the last one counts
const creations = new Map<string, Promise<void>>();

/** Is there a server API that can keep, steer and continue answers? */
export function hasAppApi(): boolean {
  return store.keepsAnswers;
}

/** Does the server write this conversation down itself? */
export function isStored(c: Conversation): boolean {
  return store.keepsAnswers && !c.isTemporary;
}

/** Resolves when the store knows the conversation; what failed before is tried again. */
export function whenCreated(id: string): Promise<void> {
  const again = () => {
    const conversation = loaded.value[id];
    return conversation ? begin(conversation) : Promise.resolve();
  };
  return creations.get(id)?.catch(again) ?? Promise.resolve();
}

function begin(conversation: Conversation): Promise<void> {
  const work = store.create(conversation);
  creations.set(conversation.id, work);
  return work;
}

const isBefore = (a: Summary, b: Summary) => (a.isPinned === b.isPinned ? a.updated > b.updated : a.isPinned);

/** The beginning of the list as it is now; what was read beyond it stays, and so do chats that
 * only this page knows yet. */
export async function refreshList(): Promise<void> {
  const mine = ++listing;
  const page = await store.list(null);
  if (mine !== listing) return;
  const known = new Set(page.summaries.map((s) => s.id));
  const last = page.summaries.at(-1);
  const isBeyond = (s: Summary) => page.next !== null && last !== undefined && isBefore(last, s);
  const rest = summaries.value.filter((s) => !known.has(s.id) && (isBeyond(s) || creations.has(s.id)));
  if (!rest.some(isBeyond)) next = page.next;
  summaries.value = sorted([...page.summaries, ...rest]);
}

export async function useStore(other: Store): Promise<void> {
  store = other;
  await refreshList();
}

/** The list was read to its end: is there more? */
export async function listMore(): Promise<void> {
  const from = next;
  const mine = listing;
  if (from === null) return;
  next = null; // asked for once
  try {
    const page = await store.list(from);
    if (mine !== listing) return;
    const known = new Set(summaries.value.map((s) => s.id));
    summaries.value = sorted([...summaries.value, ...page.summaries.filter((s) => !known.has(s.id))]);
    next = page.next;
  } catch {
    if (mine === listing) next = from; // the next scrolling asks again
  }
}

/** All of it, for what concerns every chat. */
export async function listAll(): Promise<Summary[]> {
  for (let from = next; from !== null; from = next === from ? null : next) await listMore();
  return summaries.value;
}

function sorted(list: Summary[]): Summary[] {
  return [...list].sort((a, b) => b.updated - a.updated);
}

function write(id: string, work: Promise<void>): void {
  work.then(
    () => { tellOthers(id); },
    () => { notify(t.value.notSaved, true); },
  );
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
  opening++;
  currentId.value = null;
  isTemporary.value = temporary;
}

/** False: meanwhile another one was wanted, and that is shown. */
export async function openChat(id: string): Promise<boolean> {
  const mine = ++opening;
  const isHere = loaded.value[id] !== undefined;
  if (!isHere) {
    const conversation = await store.open(id).catch((e: unknown) => {
      if (mine === opening) throw e;
      return null;
    });
    if (conversation && !loaded.value[id]) loaded.value = { ...loaded.value, [id]: conversation };
  }
  if (mine !== opening) return false;
  isTemporary.value = false;
  currentId.value = id;
  if (isHere) await refreshChat(id);
  return mine === opening;
}

/** Messages that no server has taken yet: they are only here. */
export const unsent = new Set<string>();

/** What was said in another window or on another device comes in; without a server it stays
 * as it is. */
export async function refreshChat(id: string): Promise<void> {
  const before = loaded.value[id];
  const isLive = () => lives.peek()[id] !== undefined; // goes on here
  const isBusy = () => loaded.value[id] !== before || isLive();
  if (!before || !isStored(before) || isBusy()) return;
  try {
    const stored = await store.open(id);
    if (loaded.value[id] && loaded.value[id] !== before && !isLive()) await refreshChat(id); // a title came meanwhile
    else if (!isBusy()) put(merged(before, stored, (m) => unsent.has(m.id)));
  } catch (e) {
    const isGone = e instanceof ApiError && e.status === 404;
    if (isGone && !isBusy() && !before.messages.some((m) => unsent.has(m.id))) forget(id);
  }
}

function forget(id: string): void {
  if (currentId.value === id) newChat();
  loaded.value = Object.fromEntries(Object.entries(loaded.value).filter(([other]) => other !== id));
  summaries.value = summaries.value.filter((s) => s.id !== id);
}

/** The shown conversation, or a new one if none is. */
export function currentOrNew(title: string): Conversation {
  if (current.value) return current.value;
  const now = Date.now();
  opening++;
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
  if (!conversation.isTemporary) write(conversation.id, begin(conversation));
  currentId.value = conversation.id;
  return conversation;
}

/** How many came in; those that are there already are left alone. */
export async function addConversations(conversations: Conversation[]): Promise<number> {
  const n = await store.add(conversations);
  await refreshList();
  return n;
}

export function search(query: string, onPart: (found: Summary[]) => boolean): Promise<void> {
  return store.search(query, onPart);
}

export function filesOf(id: string, message: Message): Promise<Attachment[]> {
  return store.filesOf(id, message);
}

/** With the texts of its files. */
export async function loadFull(id: string): Promise<Conversation> {
  const conversation = loaded.value[id] ?? (await store.open(id));
  const messages = [];
  for (const m of conversation.messages)
    messages.push(m.files ? { ...m, files: await store.filesOf(id, m) } : m);
  return { ...conversation, messages };
}

/* -------------------------------------------------------------------- changes */

export async function changeChat(id: string, meta: Partial<Meta>): Promise<void> {
  const conversation = loaded.value[id];
  if (conversation) put({ ...conversation, ...meta });
  else
    summaries.value = summaries.value.map((s) => (s.id === id ? { ...s, ...summaryPart(meta) } : s));
  if (conversation?.isTemporary) return;
  const work = whenCreated(id).then(() => store.change(id, meta));
  write(id, work);
  await work.catch(() => undefined);
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
  const isWritten = !loaded.value[id]?.isTemporary;
  forget(id);
  creations.delete(id);
  if (!isWritten) return;
  const work = store.remove(id).catch(async (e: unknown) => {
    await refreshList().catch(() => undefined); // it is still there: show it
    throw e;
  });
  write(id, work);
}

/** Add a message and show it. */
export function addMessage(id: string, message: Message): void {
  const conversation = loaded.value[id];
  if (!conversation) return;
  put(withMessage(conversation, message));
  if (conversation.isTemporary || store.keepsAnswers) return;
  write(id, store.putMessage(id, message));
}

/** Away with a message that has nothing below it and that no server has. */
export function dropMessage(id: string, messageId: string): void {
  const conversation = loaded.value[id];
  const message = byId(conversation?.messages ?? [], messageId);
  if (!conversation || !message || !unsent.delete(messageId)) return;
  const messages = conversation.messages.filter((m) => m !== message);
  put({ ...conversation, messages, leaf: conversation.leaf === messageId ? message.parent : conversation.leaf });
}

export function changeMessage(id: string, messageId: string, change: Partial<Message>): void {
  const conversation = loaded.value[id];
  if (!conversation) return;
  const changed = withChange(conversation, messageId, change);
  put(changed);
  const message = byId(changed.messages, messageId);
  if (message && !conversation.isTemporary && !store.keepsAnswers) write(id, store.putMessage(id, message));
}

/** Show the newest branch through a message. */
export function showBranch(messageId: string): void {
  const conversation = current.value;
  if (!conversation) return;
  void changeChat(conversation.id, { leaf: newestLeaf(conversation.messages, messageId) });
}
