/* Files on their way into the next question. */
import { signal } from '@preact/signals';
import type { Attachment } from '../core/types';
import { extract } from '../files/extract';
import { t } from '../i18n';
import { notify } from './notices';

export const attached = signal<Attachment[]>([]);

/** Names of those that are being read; a question waits for them. */
export const reading = signal<string[]>([]);

const MAX_FILES = 32;
const MAX_SENT = 30 << 20; // the server takes 32 MiB in one request (--max-body)

/** A text of this length is pasted as a file: a field for typing is no place for a book. */
const LONG_PASTE = 20_000;

/** What a file needs in a request. */
function sentBytes(file: Attachment): number {
  return new Blob([JSON.stringify(file.text)]).size;
}

function add(file: Attachment): void {
  const all = [...attached.value, file];
  if (all.length > MAX_FILES) notify(t.value.tooManyFiles(MAX_FILES), true);
  else if (all.reduce((sum, f) => sum + sentBytes(f), 0) > MAX_SENT) notify(t.value.filesTooLarge(file.name), true);
  else attached.value = all;
}

async function attachOne(file: File): Promise<void> {
  reading.value = [...reading.value, file.name];
  const result = await extract(file);
  const at = reading.value.indexOf(file.name);
  reading.value = reading.value.filter((_, i) => i !== at);
  if ('file' in result) add(result.file);
  else notify(t.value.fileRefused[result.refused](result.name), true);
}

export async function attach(files: Iterable<File>): Promise<void> {
  const all = [...files];
  if (all.length > MAX_FILES) notify(t.value.tooManyFiles(MAX_FILES), true);
  for (const file of all.slice(0, MAX_FILES)) await attachOne(file);
}

/** True: the text is too long for the field and is on its way as a file. */
export function attachPasted(text: string): boolean {
  if (text.length < LONG_PASTE) return false;
  notify(t.value.pastedAsFile);
  void attach([new File([text], `${t.value.pasted}.txt`, { type: 'text/plain' })]);
  return true;
}

export function detach(file: Attachment): void {
  attached.value = attached.value.filter((other) => other !== file);
}
