/* Files on their way into the next question. */
import { signal } from '@preact/signals';
import type { Attachment } from '../core/types';
import { extract } from '../files/extract';
import { t } from '../i18n';
import { notify } from './notices';

export const attached = signal<Attachment[]>([]);

const MAX_FILES = 32;

export async function attach(files: Iterable<File>): Promise<void> {
  for (const file of [...files].slice(0, MAX_FILES - attached.value.length)) {
    const result = await extract(file);
    if ('file' in result) {
      attached.value = [...attached.value, result.file];
      continue;
    }
    const words = { large: t.value.fileTooLarge, binary: t.value.fileNotText, pdf: t.value.filePdf };
    notify(words[result.refused](result.name), true);
  }
}

export function detach(file: Attachment): void {
  attached.value = attached.value.filter((other) => other !== file);
}
