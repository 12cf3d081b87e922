/* The frame of every dialog: the browser's own <dialog>, so focus and Escape are right. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n';
import { dialog } from '../state/dialogs';
import { Icon } from './icon';

export function closeDialog(): void {
  dialog.value = null;
}

export function DialogFrame({ title, children }: { title: string; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby="dialog-title"
      onClose={closeDialog}
      onClick={(event) => { if (event.target === ref.current) closeDialog(); }}
    >
      <div class="dialog-body">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <button type="button" class="icon-button" aria-label={t.value.close} title={t.value.close} onClick={closeDialog}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
