/* Runs beside the page: PDF.js with its own worker half in the same thread, so that a
 * hostile document holds up nobody and ends with this thread.  Only the text is asked for:
 * no fonts, no images, no scripts of the document. */
import { getDocument, type PDFDocumentProxy } from 'pdfjs-dist/legacy/build/pdf.mjs';
import 'pdfjs-dist/legacy/build/pdf.worker.mjs'; // puts itself where the other half looks for it
import type { PdfReply, PdfResult } from './pdf';

const MAX_TEXT = 20 << 20;

/* A page that shows a letter or two (a stamp, a page number) beside its pictures is as
 * good as one without any. */
const MIN_LETTERS_PER_PAGE = 4;

async function pageText(document: PDFDocumentProxy, number: number): Promise<string> {
  const page = await document.getPage(number);
  const { items } = await page.getTextContent();
  page.cleanup();
  const text = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join('');
  return text.replace(/[^\S\n]+\n/g, '\n').trim();
}

async function textOf(bytes: ArrayBuffer): Promise<PdfResult> {
  const loading = getDocument({
    data: bytes,
    cMapUrl: new URL('cmaps/', self.location.href).href, // letters of old Chinese, Japanese, Korean files
    cMapPacked: true,
    useWorkerFetch: true,
    isEvalSupported: false,
    useSystemFonts: true, // none is loaded for a text; otherwise those of the format would be fetched
    disableFontFace: true,
    useWasm: false,
    stopAtErrors: false,
    verbosity: 0,
  });
  const document = await loading.promise;
  const pages: string[] = [];
  let letters = 0;
  for (let number = 1; number <= document.numPages; number++) {
    const text = await pageText(document, number).catch(() => ''); // one broken page is not the whole
    letters += text.length;
    if (letters > MAX_TEXT) return { refused: 'large' };
    if (text !== '') pages.push(text);
  }
  if (letters < MIN_LETTERS_PER_PAGE * Math.min(document.numPages, 100)) return { refused: 'scanned' };
  return { text: pages.join('\n\n') };
}

function isEncrypted(e: unknown): boolean {
  return e instanceof Error && e.name === 'PasswordException';
}

self.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
  void textOf(data)
    .catch((e: unknown): PdfResult => ({ refused: isEncrypted(e) ? 'encrypted' : 'broken' }))
    .then((result) => {
      self.postMessage({ result } satisfies PdfReply);
    });
};
