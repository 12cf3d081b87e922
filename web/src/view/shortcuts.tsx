/* Keys: one table is what they do and what the list says.  None is a single letter, so
 * that nobody who dictates or types beside the field sets something off. */
import { t } from '../i18n';
import { stop } from '../state/answer';
import { newChat, path } from '../state/chats';
import { dialog } from '../state/dialogs';
import { notify, spoken } from '../state/notices';
import { changeSettings } from '../state/settings';
import type { Messages } from '../i18n/en';
import { copyText } from './copy-button';
import { DialogFrame } from './dialog';
import { INPUT_ID } from './composer';
import { SEARCH_ID, toggleSidebar } from './sidebar';

type Label = { [K in keyof Messages]: Messages[K] extends string ? K : never }[keyof Messages];

interface Shortcut {
  keys: string[]; // as shown; "Ctrl" is also the Mac's command key
  label: Label;
  run: () => void;
}

function focusOn(id: string): void {
  document.getElementById(id)?.focus();
}

async function copyLast(): Promise<void> {
  const last = path.value.findLast((m) => m.role === 'assistant');
  if (last && (await copyText(last.content))) {
    spoken.value = t.value.copied;
    notify(t.value.copied);
  }
}

const table: Shortcut[] = [
  { keys: ['Ctrl', 'Shift', 'O'], label: 'shortcutNew', run: () => { newChat(); } },
  {
    keys: ['Ctrl', 'K'],
    label: 'shortcutSearch',
    run: () => {
      changeSettings({ isSidebarOpen: true });
      requestAnimationFrame(() => { focusOn(SEARCH_ID); });
    },
  },
  { keys: ['Shift', 'Escape'], label: 'shortcutInput', run: () => { focusOn(INPUT_ID); } },
  { keys: ['Ctrl', 'B'], label: 'shortcutSidebar', run: toggleSidebar },
  { keys: ['Escape'], label: 'shortcutStop', run: stop },
  { keys: ['Ctrl', 'Shift', 'Y'], label: 'shortcutCopy', run: () => void copyLast() },
  { keys: ['Ctrl', '/'], label: 'shortcutList', run: () => { dialog.value = { kind: 'shortcuts' }; } },
];

function matches(shortcut: Shortcut, event: KeyboardEvent): boolean {
  const key = shortcut.keys.at(-1)?.toLowerCase();
  return (
    event.key.toLowerCase() === key &&
    (event.ctrlKey || event.metaKey) === shortcut.keys.includes('Ctrl') &&
    (event.shiftKey === shortcut.keys.includes('Shift') || key === '/') &&
    !event.altKey
  );
}

export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || dialog.value || event.defaultPrevented) return;
    const shortcut = table.find((s) => matches(s, event));
    if (!shortcut) return;
    if (event.key !== 'Escape') event.preventDefault();
    shortcut.run();
  });
}

export function ShortcutsDialog() {
  return (
    <DialogFrame title={t.value.shortcuts}>
      <dl class="shortcuts">
        {table.map((s) => (
          <div key={s.label}>
            <dt>{t.value[s.label]}</dt>
            <dd>{s.keys.map((key) => <kbd key={key}>{key}</kbd>)}</dd>
          </div>
        ))}
      </dl>
    </DialogFrame>
  );
}
