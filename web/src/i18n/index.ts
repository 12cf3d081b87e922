/* t.value is the catalogue of the chosen language; whoever reads it in a component is
 * drawn anew when the language changes. */
import { computed } from '@preact/signals';
import { settings } from '../state/settings';
import { de } from './de';
import { en, type Messages } from './en';
import { zh } from './zh';

export const LANGUAGES = { en: 'English', de: 'Deutsch', zh: '中文' } as const;
export type Language = keyof typeof LANGUAGES;

const catalogues: Record<Language, Messages> = { en, de, zh };

export function isLanguage(s: string): s is Language {
  return Object.hasOwn(catalogues, s);
}

/** What the browser asks for first among what we have. */
function preferred(): Language {
  for (const tag of navigator.languages) {
    const base = tag.slice(0, 2).toLowerCase();
    if (isLanguage(base)) return base;
  }
  return 'en';
}

export const language = computed<Language>(() => {
  const chosen = settings.value.language;
  return isLanguage(chosen) ? chosen : preferred();
});

export const t = computed<Messages>(() => catalogues[language.value]);

/** "12 s", "2 min 5 s" */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  const units = language.value === 'zh' ? [' 分 ', ' 秒'] : [' min ', ' s'];
  return s < 60 ? `${s}${units[1]}` : `${Math.floor(s / 60)}${units[0]}${s % 60}${units[1]}`;
}

export function decimal(x: number): string {
  return x.toLocaleString(language.value, { maximumFractionDigits: x < 100 ? 1 : 0 });
}
