/* Which dialog is open; at most one. */
import { signal } from '@preact/signals';

export type Dialog =
  | { kind: 'link'; url: URL }
  | { kind: 'settings' }
  | { kind: 'shortcuts' }
  | { kind: 'instructions' }
  | { kind: 'privacy' }
  | { kind: 'admin' }
  | { kind: 'status' }
  | { kind: 'confirm'; text: string; action: string; onConfirm: () => void }
  | {
      kind: 'prompt';
      title: string;
      label: string;
      value: string;
      options: string[];
      onSubmit: (value: string) => void;
    };

export const dialog = signal<Dialog | null>(null);

export function askToOpen(url: URL): void {
  dialog.value = { kind: 'link', url };
}
