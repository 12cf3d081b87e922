/* The text of a PDF.  PDF.js reads it in a worker of its own (pdf-worker.ts), fetched from
 * this server with the first such file; a document that never ends is ended. */
import { startWorker } from '../core/trusted';
import workerPath from './pdf-worker?worker&url';

export type PdfRefusal = 'encrypted' | 'broken' | 'scanned' | 'large' | 'slow';
export type PdfResult = { text: string } | { refused: PdfRefusal };

/** What the worker says; PDF.js in there greets with messages of its own. */
export interface PdfReply {
  result?: PdfResult;
}

const LIMIT_MS = 120_000;

/** bytes: handed over, gone afterwards. */
export function pdfText(bytes: ArrayBuffer): Promise<PdfResult> {
  const worker = startWorker(workerPath);
  return new Promise<PdfResult>((resolve) => {
    const timer = setTimeout(() => {
      resolve({ refused: 'slow' });
    }, LIMIT_MS);
    const end = (result: PdfResult) => {
      clearTimeout(timer);
      resolve(result);
    };
    worker.onmessage = ({ data }: MessageEvent<PdfReply>) => {
      if (data.result) end(data.result);
    };
    worker.onerror = () => { end({ refused: 'broken' }); };
    worker.postMessage(bytes, [bytes]);
  }).finally(() => {
    worker.terminate();
  });
}
