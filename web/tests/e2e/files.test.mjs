/* Files: what becomes text, what is refused and with which word, what a message can carry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { docx, gbkPdf, hostilePdf, lockedPdf, scannedPdf, textPdf } from './documents.mjs';
import { answered, ask, openPage, useStage } from './stage.mjs';

const all = useStage();
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function open() {
  const page = await openPage(all);
  all.proxy.script = () => [[0, { content: 'Read.' }]];
  all.proxy.asked.length = 0;
  return page;
}

/** The first question of the page (what follows asks for a title). */
const said = () => all.proxy.asked[0].messages.at(-1).content;

const choose = (page, files) =>
  page.setInputFiles('input[multiple]', files.map(([name, buffer]) => ({ name, mimeType: '', buffer })));

/** Attach, send, and give what the model was told. */
async function told(page, files) {
  await choose(page, files);
  for (const [name] of files) await page.waitForSelector(`.composer .files li:not([aria-busy]):has-text("${name}")`);
  await ask(page, 'What is in it?');
  await answered(page);
  return said();
}

async function refused(page, name, buffer, word) {
  await choose(page, [[name, buffer]]);
  await page.locator('.notices .is-error', { hasText: name }).filter({ hasText: word }).waitFor();
  assert.equal(await page.locator('.composer .files').count(), 0);
}

test('text, Markdown, tables, code and Word files become text', async () => {
  const page = await open();
  const content = await told(page, [
    ['a.txt', Buffer.from('plain\r\ntext')],
    ['b.md', Buffer.from('# Head')],
    ['c.csv', Buffer.from('place,m\nMariana,10935')],
    ['d.py', Buffer.from('print("code")')],
    ['e.docx', docx('Word &amp; more')],
    ['f.txt', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('wide', 'utf16le')])],
    ['g.txt', Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65])],
  ]);
  for (const part of ['plain\ntext', '# Head', 'Mariana,10935', 'print("code")', 'Word & more', 'wide', 'Grüße'])
    assert.ok(content.includes(part), part);
  assert.match(content, /What is in it\?$/);
  await page.check();
});

test('a PDF becomes text, page by page', async () => {
  const page = await open();
  const content = await told(page, [['deep.pdf', textPdf([['Depth of the sea', '10,935 m (Challenger)'], ['Second page']])]]);
  assert.match(content, /\[file content begin\]\nDepth of the sea\n10,935 m \(Challenger\)\n\nSecond page\n\[file content end\]/);
  await page.check();
});

test('a PDF that this browser prints is read back, in three writings', async () => {
  const source = await (await all.browser.newContext()).newPage();
  await source.setContent('<h1>Größe</h1><p>Zwölf Boxkämpfer jagen Viktor.</p><p>深海の水圧</p><p>深海压力</p>');
  const printed = await source.pdf();
  await source.context().close();
  const page = await open();
  const content = await told(page, [['printed.pdf', printed]]);
  for (const part of ['Größe', 'Zwölf Boxkämpfer jagen Viktor.']) assert.ok(content.includes(part), content);
  await page.check();
});

test('a PDF in an old Chinese encoding is read with tables of this server', async () => {
  const page = await open();
  assert.match(await told(page, [['gbk.pdf', gbkPdf('C9EEBAA3D1B9C1A6')]]), /深海压力/);
  assert.ok(page.requests.some((url) => url.startsWith(all.proxy.url) && url.includes('pdf-worker')));
  await page.check();
});

test('nothing of a hostile PDF runs', async () => {
  const page = await open();
  await page.evaluate(() => { window.hits = 0; window.hit = () => window.hits++; });
  assert.match(await told(page, [['evil.pdf', hostilePdf()]]), /<img src=x onerror=hit\(\)>/);
  assert.equal(await page.evaluate(() => window.hits), 0);
  await page.check();
});

test('what cannot be read is refused with its reason', async () => {
  const page = await open();
  const whole = textPdf([['whole']]);
  await refused(page, 'x.bin', Buffer.from([1, 0, 2, 0]), /not a text/);
  await refused(page, 'x.docx', docx('cut').subarray(0, 80), /not a text/);
  await refused(page, 'locked.pdf', lockedPdf(), /password/);
  await refused(page, 'scan.pdf', scannedPdf(), /pictures of pages only/);
  await refused(page, 'junk.pdf', Buffer.from('%PDF-1.7\n' + 'junk '.repeat(99)), /damaged/);
  await refused(page, 'cut.pdf', whole.subarray(0, 60), /damaged/);
  await page.check();
});

/** A file of any size that is on no disk. */
const dropFile = (page, name, head, bytes) =>
  page.evaluate(([name, head, bytes]) => {
    const part = new Uint8Array(1 << 20);
    const parts = [head, ...Array.from({ length: bytes >> 20 }, () => part)];
    const data = new DataTransfer();
    data.items.add(new File(parts, name));
    for (const type of ['dragover', 'drop'])
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }, [name, head, bytes]);

test('files are dropped on the page; 100 MB are refused and the page lives', async () => {
  const page = await open();
  await dropFile(page, 'drop.txt', 'dropped text', 0);
  await page.waitForSelector('.composer .files:has-text("drop.txt")');
  await dropFile(page, 'large.txt', 'x', 20 << 20);
  await page.waitForSelector('.notices .is-error:has-text("large.txt is too large")');
  await dropFile(page, 'huge.txt', 'x', 100 << 20);
  await page.waitForSelector('.notices .is-error:has-text("huge.txt is too large")');
  await dropFile(page, 'vast.pdf', '%PDF-1.7\n', 200 << 20);
  await page.waitForSelector('.notices .is-error:has-text("vast.pdf is too large")');
  await page.getByRole('button', { name: 'Remove drop.txt' }).click();
  await page.waitForSelector('.composer .files', { state: 'detached' });
  await page.check();
});

test('together they are no more than the server takes', async () => {
  const page = await open();
  for (const name of ['a', 'b']) await dropFile(page, `${name}.txt`, 'x'.repeat(18 << 20), 0);
  await page.waitForSelector('.composer .files:has-text("a.txt")');
  await page.waitForSelector('.notices .is-error:has-text("b.txt does not fit")');
  await choose(page, Array.from({ length: 33 }, (_, i) => [`${i}.md`, Buffer.from('x')]));
  await page.waitForSelector('.notices .is-error:has-text("32 files at most")');
  await page.check();
});

const paste = (page, text) =>
  page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData('text/plain', text.repeat(1));
    document.getElementById('message-input')
      .dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);

test('a pasted book becomes a file, a pasted library is refused', async () => {
  const page = await open();
  await paste(page, 'All work and no play. '.repeat(5000));
  await page.waitForSelector('.composer .files:has-text("Pasted text.txt")');
  assert.equal(await page.inputValue('#message-input'), '');
  await ask(page, 'Summary?');
  await answered(page);
  assert.match(said(), /\[file name\]: Pasted text\.txt/);
  await paste(page, 'x'.repeat((20 << 20) + 1));
  await page.waitForSelector('.notices .is-error:has-text("Pasted text.txt is too large")');
  await page.check();
});

test('a question waits for a file that is being read', async () => {
  const page = await open();
  let go;
  const held = new Promise((resolve) => { go = resolve; });
  await page.route('**/pdf-worker-*', async (route) => {
    await held;
    await route.continue();
  });
  await choose(page, [['slow.pdf', textPdf([['late']])]]);
  await page.waitForSelector('.composer .files [aria-busy]:has-text("slow.pdf")');
  await page.fill('#message-input', 'Now?');
  assert.ok(await button(page, 'Send').isDisabled());
  go();
  await page.waitForSelector('.composer .files li:not([aria-busy])');
  await button(page, 'Send').click();
  await answered(page);
  assert.match(said(), /late/);
  await page.check();
});
