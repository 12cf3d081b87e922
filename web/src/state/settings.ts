/* What belongs to this browser: appearance, language, keys.  Kept in localStorage. */
import { effect, signal } from '@preact/signals';
import type { Effort } from '../core/types';

export interface Preset {
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
  presets: Preset[];
  isSidebarOpen: boolean;
}

const KEY = 'tiefsee.settings';
const defaults: Settings = {
  language: '',
  theme: 'auto',
  sendWith: 'enter',
  effort: 'high',
  model: '',
  instructions: '',
  presets: [],
  isSidebarOpen: !matchMedia('(max-width: 760px)').matches, // there it lies over the page
};

function load(): Settings {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Settings>;
    return { ...defaults, ...stored, effort: stored.effort === 'off' ? 'off' : defaults.effort };
  } catch {
    return defaults; // no storage, or not ours
  }
}

export const settings = signal<Settings>(load());

export function changeSettings(change: Partial<Settings>): void {
  settings.value = { ...settings.value, ...change };
}

effect(() => {
  const { theme } = settings.value;
  document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(KEY, JSON.stringify(settings.value));
  } catch {
    // private mode: the choice lasts as long as the page
  }
});
