/* The text of a Word document: paragraphs of word/document.xml.  By pattern, because the
 * page's policy lets nobody parse markup from strings. */
import { zipMember } from './zip';

const MAX_XML = 64 << 20;

const entities = new Map([['amp', '&'], ['lt', '<'], ['gt', '>'], ['quot', '"'], ['apos', "'"]]);

function unescape(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(\w+));/g, (all, hex, dec, name) => {
    if (typeof name === 'string') return entities.get(name) ?? all;
    const code = typeof hex === 'string' ? parseInt(hex, 16) : Number(dec);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}

/** Runs of text, tabs and breaks in order; a paragraph's end is a line's end. */
export function textOfXml(xml: string): string {
  const text: string[] = [];
  const pieces = /<w:t(?:\s[^<>]*)?>([^<]*)<\/w:t>|<w:(tab|br|cr)\b[^<>]*>|<\/w:(p)>|<\/w:(tc)>/g;
  for (const [, run, mark, paragraph, cell] of xml.matchAll(pieces)) {
    if (run !== undefined) text.push(unescape(run));
    else if (mark !== undefined) text.push(mark === 'tab' ? '\t' : '\n');
    else if (paragraph !== undefined) text.push('\n');
    else if (cell !== undefined && text.at(-1) === '\n') text[text.length - 1] = '\t';
  }
  return text.join('').trimEnd();
}

export async function docxText(bytes: Uint8Array): Promise<string | null> {
  const xml = await zipMember(bytes, 'word/document.xml', MAX_XML);
  return xml && textOfXml(new TextDecoder().decode(xml));
}
