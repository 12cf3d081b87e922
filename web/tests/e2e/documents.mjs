/* Small documents, made byte by byte: PDF files as programs write them, whole and broken,
 * and a Word file. */
import { deflateRawSync, deflateSync } from 'node:zlib';

/** objects: texts or [text, Buffer] (a stream's dictionary and bytes), numbered from 1. */
export function pdf(objects, trailer = '') {
  const parts = [Buffer.from('%PDF-1.5\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
  let at = parts[0].length;
  const offsets = [];
  const push = (part) => {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
    parts.push(bytes);
    at += bytes.length;
  };
  for (const [i, object] of objects.entries()) {
    offsets.push(at);
    push(`${i + 1} 0 obj\n`);
    if (typeof object === 'string') push(object);
    else {
      push(`<< ${object[0]} /Length ${object[1].length} >>\nstream\n`);
      push(object[1]);
      push('\nendstream');
    }
    push('\nendobj\n');
  }
  const start = at;
  const table = offsets.map((n) => `${String(n).padStart(10, '0')} 00000 n \n`).join('');
  push(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}`);
  push(`trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`);
  return Buffer.concat(parts);
}

const CATALOG = '<< /Type /Catalog /Pages 2 0 R >>';
const pages = (ids) => `<< /Type /Pages /Kids [${ids.map((id) => `${id} 0 R`).join(' ')}] /Count ${ids.length} >>`;

/** Pages of lines in Helvetica, compressed. */
export function textPdf(sheets, trailer = '') {
  const first = 4; // catalog, pages, font before
  const ids = sheets.map((_, i) => first + 2 * i);
  const objects = [CATALOG, pages(ids), '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>'];
  for (const [i, lines] of sheets.entries()) {
    const shown = lines.map((line, n) => `1 0 0 1 72 ${720 - 20 * n} Tm (${line.replace(/[\\()]/g, '\\$&')}) Tj`).join('\n');
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${first + 2 * i + 1} 0 R /Resources << /Font << /F 3 0 R >> >> >>`);
    objects.push(['/Filter /FlateDecode', deflateSync(Buffer.from(`BT /F 12 Tf\n${shown}\nET`, 'latin1'))]);
  }
  return pdf(objects, trailer);
}

/** Chinese by a font that is not in the file and an old encoding, as it was usual. */
export function gbkPdf(gbk) {
  return pdf([
    CATALOG,
    pages([3]),
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>',
    ['', Buffer.from(`BT /F 12 Tf 72 700 Td <${gbk}> Tj ET`)],
    '<< /Type /Font /Subtype /Type0 /BaseFont /SimSun /Encoding /GBK-EUC-H /DescendantFonts [6 0 R] >>',
    '<< /Type /Font /Subtype /CIDFontType2 /BaseFont /SimSun /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /FontDescriptor 7 0 R >>',
    '<< /Type /FontDescriptor /FontName /SimSun /Flags 4 /FontBBox [0 -141 1000 859] /ItalicAngle 0 /Ascent 859 /Descent -141 /CapHeight 683 /StemV 90 >>',
  ]);
}

/** A password is needed: the keys fit to no password that anybody tries. */
export function lockedPdf() {
  const key = 'ab'.repeat(32);
  return textPdf([['secret']], `/ID [<${'01'.repeat(16)}> <${'01'.repeat(16)}>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${key}> /U <${key}> >>`);
}

/** A page that is a picture. */
export function scannedPdf() {
  return pdf([
    CATALOG,
    pages([3]),
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>',
    ['', Buffer.from('q 612 0 0 792 0 0 cm /I Do Q')],
    ['/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8', Buffer.from([128])],
  ]);
}

/** What is refused has its reason in the file: scripts, an action, a form. */
export function hostilePdf() {
  return pdf([
    '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (hit\\(\\)) >> /AA << /WC << /S /URI /URI (https://evil.example/x) >> >> >>',
    pages([3]),
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> /Annots [6 0 R] >>',
    ['', Buffer.from('BT /F 12 Tf 72 700 Td (<img src=x onerror=hit\\(\\)>) Tj ET')],
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FontMatrix [1 0 0 1 (0\\); hit\\(\\) //) 0] >>',
    '<< /Type /Annot /Subtype /Link /Rect [0 0 99 99] /A << /S /URI /URI (javascript:hit\\(\\)) >> >>',
  ]);
}

/** An archive with one member. */
export function zip(name, content) {
  const packed = deflateRawSync(content);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt32LE(packed.length, 18);
  local.writeUInt32LE(content.length, 22);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(packed.length, 20);
  entry.writeUInt32LE(content.length, 24);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length + packed.length, 16);
  return Buffer.concat([local, Buffer.from(name), packed, entry, Buffer.from(name), end]);
}

/** As Word's files are. */
export function docx(text) {
  return zip('word/document.xml', Buffer.from(`<w:document><w:body><w:p><w:r><w:t>${text}</w:t></w:r></w:p></w:body></w:document>`));
}
