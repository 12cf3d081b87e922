/* Who is here and what the server keeps: decides which store is used and whether there
 * must be a login first. */
import { effect, signal } from '@preact/signals';
import { app, type Session } from '../api/app';
import { ApiError } from '../api/base';
import { isId } from '../core/id';
import { show } from './answer';
import { currentId, current, newChat, useStore } from './chats';
import { reach, refreshModels } from './server';
import { ServerStore } from './server-store';
import { releaseSettings } from './settings';
import { adoptSettings, settingsAreKept } from './sync';

/** null: the server has no such API, nothing is kept; undefined: not known yet. */
export const session = signal<Session | null | undefined>(undefined);

export function needsLogin(): boolean {
  return session.value?.mode === 'accounts' && !session.value.user;
}

async function begin(): Promise<void> {
  if (needsLogin()) return;
  void refreshModels();
  const { user, server } = session.value ?? {};
  if (user) await adoptSettings(user.id).catch(() => { releaseSettings(); });
  else releaseSettings();
  if (server?.has_store) await useStore(new ServerStore());
  const id = /^#chat\/(.*)$/.exec(location.hash)?.[1];
  if (isId(id)) await show(id).catch(() => { newChat(); });
  /* A reload comes back to the same chat; a temporary one has no address. */
  effect(() => {
    const kept = currentId.value !== null && !current.value?.isTemporary;
    history.replaceState(null, '', kept ? `#chat/${currentId.value ?? ''}` : '#');
  });
}

async function ask(): Promise<void> {
  try {
    session.value = await app<Session>('GET', 'session');
  } catch (e) {
    if (!(e instanceof ApiError) || e.status === 0 || e.status >= 500) return; // asked again when it is up
    session.value = null;
  }
  await begin();
}

export function watchSession(): void {
  effect(() => {
    if (reach.value === 'up' && session.peek() === undefined) void ask();
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
  location.reload();
}
