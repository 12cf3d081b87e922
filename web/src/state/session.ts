/* Who is here and what the server keeps: decides which store is used and whether there
 * must be a login first. */
import { computed, effect, signal } from '@preact/signals';
import { app, type Session } from '../api/app';
import { ApiError } from '../api/base';
import { isId } from '../core/id';
import { heard, show } from './answer';
import { currentId, current, isStored, isTemporary, newChat, unsent, useStore } from './chats';
import { dropDraft, keepDraft, takeDraft } from './draft';
import { reach, refreshModels } from './server';
import { ServerStore } from './server-store';
import { releaseSettings } from './settings';
import { adoptSettings, settingsAreKept } from './sync';
import { listenToOthers } from './tabs';

/** null: the server has no such API, nothing is kept; undefined: not known yet. */
export const session = signal<Session | null | undefined>(undefined);

export function needsLogin(): boolean {
  return session.value?.mode === 'accounts' && !session.value.user;
}

/** Where chats are kept is known, and the one of the address is shown: questions may come. */
export const isReady = signal(false);

/** The chat that the address names. */
function idOfAddress(): string | null {
  const id = /^#chat\/(.*)$/.exec(location.hash)?.[1];
  return isId(id) ? id : null;
}

async function showAddressed(): Promise<void> {
  const id = idOfAddress();
  if (id !== null && id !== currentId.value) await show(id).catch(() => { newChat(); });
}

/* A reload comes back to the same chat; a temporary one has no address. */
function follow(): void {
  const wanted = computed(() => {
    const kept = currentId.value !== null && !current.value?.isTemporary;
    return kept ? `#chat/${currentId.value ?? ''}` : '#';
  });
  effect(() => { history.replaceState(null, '', wanted.value); });
  window.addEventListener('hashchange', () => void showAddressed());
  if (session.value?.server.has_store) listenToOthers(heard);
  window.addEventListener('pagehide', () => {
    const isUnsent = (id: string) => current.value !== null && isStored(current.value) && unsent.has(id);
    keepDraft(session.value?.user?.id ?? '', current.value, isTemporary.value, isUnsent);
  });
}

async function begin(): Promise<void> {
  if (needsLogin()) return;
  void refreshModels();
  const { user, server } = session.value ?? {};
  if (user) await adoptSettings(user.id).catch(() => { releaseSettings(); });
  else releaseSettings();
  if (server?.has_store) await useStore(new ServerStore());
  await showAddressed();
  if (!isReady.value) {
    follow();
    takeDraft(user?.id ?? '', current.value);
  }
  isReady.value = true;
}

const AGAIN_MS = 1000;

async function ask(): Promise<void> {
  try {
    const found = await app<Session>('GET', 'session').catch((e: unknown) => {
      if (e instanceof ApiError && e.status !== 0 && e.status < 500) return null;
      throw e;
    });
    session.value = found;
    await begin();
  } catch {
    session.value = undefined; // it was there a moment ago
    setTimeout(() => void ask(), AGAIN_MS);
  }
}

export function watchSession(): void {
  const stop = effect(() => {
    if (reach.value !== 'up') return;
    void ask();
    queueMicrotask(() => { stop(); });
  });
}

/** name, password, and for the first admin the code from the console. */
export async function login(form: { name: string; password: string; code?: string }): Promise<void> {
  session.value = await app<Session>('POST', form.code === undefined ? 'login' : 'setup', form);
  await begin();
}

export async function logout(): Promise<void> {
  await settingsAreKept();
  await app('POST', 'logout', {});
  dropDraft();
  location.reload();
}
