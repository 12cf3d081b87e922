import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { notify, spoken } from '../state/notices';
import { Icon } from './icon';

const SHOWN_MS = 1500;

/** Copy where the clipboard is not offered (plain http beyond this machine). */
function copyBySelection(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'offscreen';
  document.body.append(field);
  field.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is nothing else on plain http
  const isDone = document.execCommand('copy');
  field.remove();
  return isDone;
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

interface Props {
  text: () => string;
  label: string;
}

export function CopyButton({ text, label }: Props) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text()))) {
      notify(t.value.copyFailed, true);
      return;
    }
    spoken.value = t.value.copied;
    setCopied(true);
    setTimeout(() => {
      setCopied(false);
    }, SHOWN_MS);
  };
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={() => void copy()}>
      <Icon name={isCopied ? 'check' : 'copy'} />
    </button>
  );
}
