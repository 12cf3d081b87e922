import assert from 'node:assert/strict';
import { test } from 'node:test';
import { docxText, textOfXml } from '../../src/files/docx';
import { cleanName, decodeText, extract, MAX_FILE_BYTES } from '../../src/files/extract';
import { zipMember } from '../../src/files/zip';
import { zip } from '../e2e/documents.mjs';

const bytes = (text: string) => new TextEncoder().encode(text);

const xml = '<w:p><w:r><w:t xml:space="preserve">One &amp; </w:t><w:t>two&#x21;</w:t></w:r></w:p><w:p><w:r><w:tab/><w:t>three</w:t></w:r></w:p>';

test('a Word document gives its paragraphs', async () => {
  assert.equal(await docxText(zip('word/document.xml', bytes(xml))), 'One & two!\n\tthree');
});

test('a broken archive gives nothing, whatever is broken', async () => {
  const whole = new Uint8Array(zip('word/document.xml', bytes(xml))); // slices of a Buffer are no copies
  for (let n = 0; n < whole.length; n++) assert.equal(await docxText(whole.slice(0, n)), null, `${n} bytes`);
  for (let i = 0; i < whole.length; i++) {
    const bent = whole.slice();
    bent[i] = (bent[i] ?? 0) ^ 0xff;
    await docxText(bent); // any answer, but an answer
  }
});

test('an archive that swells beyond the limit is refused', async () => {
  const bomb = zip('x', new Uint8Array(1 << 20));
  assert.equal(await zipMember(bomb, 'x', 1 << 19), null);
  assert.equal((await zipMember(bomb, 'x', 1 << 20))?.length, 1 << 20);
});

test('cells of a table are apart', () => {
  const cell = (text: string) => `<w:tc><w:p><w:r><w:t>${text}</w:t></w:r></w:p></w:tc>`;
  assert.equal(textOfXml(`${cell('a')}${cell('b')}`), 'a\tb');
});

test('markup made to be slow is read in time that grows with its length', () => {
  const begun = process.cpuUsage(); // of this process: how busy the machine is does not count
  assert.equal(textOfXml('<w:t '.repeat(100_000)), '');
  assert.equal(textOfXml('<w:br '.repeat(100_000)), '');
  assert.equal(textOfXml('<w:t>x</w:t>' + '<w:br/></w:tc>'.repeat(200_000)), 'x');
  assert.ok(process.cpuUsage(begun).user < 5e6);
});

test('only the entities of XML are replaced', () => {
  assert.equal(textOfXml('<w:t>&constructor; &quot;</w:t>'), '&constructor; "');
});

test('texts in several encodings', () => {
  assert.equal(decodeText(bytes('Tiefsee: 深海')), 'Tiefsee: 深海');
  assert.equal(decodeText(new Uint8Array([0xff, 0xfe, 0x61, 0, 0xe4, 0])), 'aä');
  assert.equal(decodeText(new Uint8Array([0x47, 0x72, 0xfc, 0xdf, 0x65])), 'Grüße');
  assert.equal(decodeText(new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0])), null);
});

test('names are one line without direction marks', () => {
  assert.equal(cleanName('a\u202egpj.txt\n'), 'agpj.txt');
  assert.equal(cleanName('\u0000'), 'file');
});

test('what is too large or no text is refused by kind', async () => {
  const large = new File([new Uint8Array(MAX_FILE_BYTES + 1)], 'l.txt');
  assert.deepEqual(await extract(large), { refused: 'large', name: 'l.txt' });
  assert.deepEqual(await extract(new File(['%PDF-1.7'], 'p.pdf')), { refused: 'broken', name: 'p.pdf' }); // no worker here
  assert.deepEqual(await extract(new File([new Uint8Array([1, 0, 2])], 'b')), { refused: 'binary', name: 'b' });
  const text = await extract(new File(['a\r\nb'], 't.txt'));
  assert.ok('file' in text && text.file.text === 'a\nb');
});
