/* A dropped file becomes text here, in the browser: the server never opens documents. */
import type { Attachment } from '../core/types';
import { docxText } from './docx';
import type { PdfRefusal } from './pdf';

export const MAX_FILE_BYTES = 20 << 20;
export const MAX_PDF_BYTES = 128 << 20; // pictures, most of it

export type Refusal = 'binary' | 'broken' | 'offline' | PdfRefusal;

export type Extraction = { file: Attachment } | { refused: Refusal; name: string };

/** A name as it may be shown: one line, no control or direction characters. */
export function cleanName(name: string): string {
  const clean = name.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').trim();
  return clean.slice(0, 120) || 'file';
}

function startsWith(bytes: Uint8Array, magic: number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** Text in UTF-8, UTF-16 with a mark, or an old 8-bit encoding; null: not a text. */
export function decodeText(bytes: Uint8Array): string | null {
  if (startsWith(bytes, [0xff, 0xfe])) return new TextDecoder('utf-16le').decode(bytes);
  if (startsWith(bytes, [0xfe, 0xff])) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes.subarray(0, 1 << 16).includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const controls = bytes.subarray(0, 4096).filter((b) => b < 9 || (b > 13 && b < 32)).length;
    return controls > 0 ? null : new TextDecoder('windows-1252').decode(bytes);
  }
}

const ZIP = [0x50, 0x4b, 3, 4];
const PDF = [0x25, 0x50, 0x44, 0x46, 0x2d];
const HEAD_BYTES = 1024; // a PDF may begin with something else, up to here

function isPdf(head: Uint8Array): boolean {
  for (let at = 0; at + PDF.length <= head.length; at++)
    if (startsWith(head.subarray(at), PDF)) return true;
  return false;
}

type Text = { text: string } | { refused: Refusal };

async function textOf(source: File): Promise<Text> {
  const head = new Uint8Array(await source.slice(0, HEAD_BYTES).arrayBuffer());
  if (source.size > MAX_PDF_BYTES) return { refused: 'large' };
  if (isPdf(head)) {
    const module = await import('./pdf').catch(() => null);
    return module ? module.pdfText(await source.arrayBuffer()) : { refused: 'offline' };
  }
  if (source.size > MAX_FILE_BYTES) return { refused: 'large' };
  const bytes = new Uint8Array(await source.arrayBuffer());
  const text = startsWith(bytes, ZIP) ? await docxText(bytes) : decodeText(bytes);
  return text === null ? { refused: 'binary' } : { text };
}

/** A file that cannot be read at all (a folder, a file that is gone) is broken. */
export async function extract(source: File): Promise<Extraction> {
  const name = cleanName(source.name);
  const result = await textOf(source).catch((): Text => ({ refused: 'broken' }));
  if ('refused' in result) return { refused: result.refused, name };
  return { file: { name, bytes: source.size, text: result.text.replace(/\r\n?/g, '\n') } };
}
