/* Settings and presets of a user live on the server, sealed like chats, and follow from
 * browser to browser.  What belongs to the device (the sidebar) stays here; what was kept
 * here before the server could is brought in once. */
import { effect } from '@preact/signals';
import { app } from '../api/app';
import { ApiError } from '../api/base';
import { isId } from '../core/id';
import { t } from '../i18n';
import { notify } from './notices';
import { defaults, owner, presetsOf, settings, validSettings, type Preset, type Settings } from './settings';

interface WirePreset {
  id: string;
  name: string;
  system?: string;
}

type Kept = Pick<Settings, 'language' | 'theme' | 'sendWith' | 'effort' | 'model' | 'instructions'>;

function keptOf(all: Settings): Kept {
  const { language, theme, sendWith, effort, model, instructions } = all;
  return { language, theme, sendWith, effort, model, instructions };
}

let last = ''; // what the server has, as text
let lastPresets: readonly Preset[] = [];
let writing: Promise<unknown> = Promise.resolve();

/* One after the other, so that the last choice is the one that stays. */
function write(method: string, path: string, body?: unknown): void {
  writing = writing.then(() => app(method, path, body)).catch((e: unknown) => {
    /* Readers and frozen accounts keep nothing new; that is no fault. */
    if (!(e instanceof ApiError && e.status === 403)) notify(t.value.notSaved, true);
  });
}

function writePresets(now: readonly Preset[]): void {
  for (const old of lastPresets)
    if (!now.some((p) => p.id === old.id)) write('DELETE', `presets/${old.id}`);
  for (const p of now)
    if (!lastPresets.includes(p)) write('PUT', `presets/${p.id}`, { name: p.name, system: p.text });
  lastPresets = now;
}

function writeChanges(): void {
  const now = settings.value;
  if (owner.value === undefined) return;
  const text = JSON.stringify(keptOf(now));
  if (text !== last) {
    last = text;
    write('PUT', 'me/settings', keptOf(now));
  }
  if (now.presets !== lastPresets) writePresets(now.presets);
}

/** From here on the settings are this user's, on this server. */
export async function adoptSettings(userId: string): Promise<void> {
  const [kept, { presets }] = await Promise.all([
    app<object>('GET', 'me/settings'),
    app<{ presets: WirePreset[] }>('GET', 'presets'),
  ]);
  const here = settings.value;
  const isMine = owner.value === undefined || owner.value === userId;
  const isNew = Object.keys(kept).length === 0 && presets.length === 0;
  const fromServer = presetsOf(presets.map((p) => ({ id: p.id, name: p.name, text: p.system ?? '' })));
  if (!isNew) {
    settings.value = {
      ...defaults, ...validSettings(kept), presets: fromServer, isSidebarOpen: here.isSidebarOpen,
    };
    last = JSON.stringify(keptOf(settings.value));
    lastPresets = settings.value.presets;
  } else if (!isMine) {
    /* Another user was here: how it looks may stay, what they told the model may not. */
    settings.value = {
      ...defaults, language: here.language, theme: here.theme, isSidebarOpen: here.isSidebarOpen,
    };
    lastPresets = settings.value.presets;
  } else {
    settings.value = { ...here, presets: here.presets.filter((p) => isId(p.id)) };
  }
  owner.value = userId;
  effect(writeChanges);
}

/** What waits has reached the server. */
export async function settingsAreKept(): Promise<void> {
  await writing;
}
