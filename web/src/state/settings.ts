/* Appearance, language, keys, what the model is told, presets.  Of this browser, until a
 * server keeps them for its user (sync.ts): then only what belongs to the device and the
 * looks stay in localStorage, for the next user of this browser is another one. */
import { effect, signal } from '@preact/signals';
import { isId, newId } from '../core/id';
import type { Effort } from '../core/types';

export interface Preset {
  id: string;
  name: string;
  text: string;
}

export interface Settings {
  language: string; // '' : what the browser asks for
  theme: 'auto' | 'light' | 'dark';
  sendWith: 'enter' | 'ctrl-enter';
  effort: Effort;
  model: string; // '': the server's first
  instructions: string;
  presets: readonly Preset[];
  isSidebarOpen: boolean;
}

const KEY = 'tiefsee.settings';
export const defaults: Settings = {
  language: '',
  theme: 'auto',
  sendWith: 'enter',
  effort: 'high',
  model: '',
  instructions: '',
  presets: [],
  isSidebarOpen: !matchMedia('(max-width: 760px)').matches, // there it lies over the page
};

function textOf(x: unknown): string | undefined {
  return typeof x === 'string' ? x : undefined;
}

/** Presets that can be shown and kept, each with an id. */
export function presetsOf(list: unknown): Preset[] {
  const found: Preset[] = [];
  for (const p of Array.isArray(list) ? (list as Partial<Preset>[]) : []) {
    const name = textOf(p.name), text = textOf(p.text);
    if (name !== undefined && text !== undefined) found.push({ id: isId(p.id) ? p.id : newId(), name, text });
  }
  return found;
}

/** What of it are settings of ours, with our types. */
export function validSettings(from: object): Partial<Settings> {
  const x = from as Record<string, unknown>;
  const valid: Partial<Settings> = {};
  const language = textOf(x['language']), model = textOf(x['model']), instructions = textOf(x['instructions']);
  if (language !== undefined) valid.language = language;
  if (model !== undefined) valid.model = model;
  if (instructions !== undefined) valid.instructions = instructions;
  if (x['theme'] === 'light' || x['theme'] === 'dark' || x['theme'] === 'auto') valid.theme = x['theme'];
  if (x['sendWith'] === 'enter' || x['sendWith'] === 'ctrl-enter') valid.sendWith = x['sendWith'];
  if (x['effort'] === 'off') valid.effort = 'off';
  if (typeof x['isSidebarOpen'] === 'boolean') valid.isSidebarOpen = x['isSidebarOpen'];
  return valid;
}

/** Whose settings these are; undefined: this browser's, no server keeps them. */
export const owner = signal<string | undefined>(undefined);

function load(): Settings {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>;
    owner.value = textOf(stored['owner']);
    return { ...defaults, ...validSettings(stored), presets: presetsOf(stored['presets']) };
  } catch {
    return defaults; // no storage, or not ours
  }
}

/** No server keeps them: this browser does. */
export function releaseSettings(): void {
  owner.value = undefined;
}

export const settings = signal<Settings>(load());

export function changeSettings(change: Partial<Settings>): void {
  settings.value = { ...settings.value, ...change };
}

effect(() => {
  const { theme, language, isSidebarOpen } = settings.value;
  document.documentElement.dataset['theme'] = theme;
  const kept = owner.value === undefined
    ? settings.value
    : { owner: owner.value, theme, language, isSidebarOpen };
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // private mode: the choice lasts as long as the page
  }
});
