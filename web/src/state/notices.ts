/* Short words to the user: a toast for the eye, a live region for the ear. */
import { signal } from '@preact/signals';

export interface Notice {
  id: number;
  text: string;
  isError: boolean;
}

export const notices = signal<Notice[]>([]);
export const spoken = signal(''); // polite announcement, not shown
let nextId = 1;

const SHOWN_MS = 6000;

export function notify(text: string, isError = false): void {
  const notice = { id: nextId++, text, isError };
  notices.value = [...notices.value.slice(-3), notice];
  setTimeout(() => {
    dismiss(notice.id);
  }, SHOWN_MS);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((n) => n.id !== id);
}
