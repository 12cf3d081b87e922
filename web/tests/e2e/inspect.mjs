/* After hostile texts: did anything run, is there anything that could? */
import assert from 'node:assert/strict';

/** `hit()` stands for a stranger's code. */
export async function arm(page) {
  await page.evaluate(() => {
    window.hits = 0;
    window.hit = () => window.hits++;
    for (const name of ['alert', 'confirm', 'prompt']) window[name] = window.hit;
  });
}

/** What must not be there, whatever was said. */
export async function inspect(page, home) {
  const found = await page.evaluate(() => {
    const wrong = [];
    const never = 'script,iframe,object,embed,link,meta,base,style,form:not(.composer):not(.editor),img,video,audio,template';
    for (const e of document.body.querySelectorAll(never)) wrong.push(e.outerHTML.slice(0, 120));
    for (const e of document.body.querySelectorAll('*'))
      for (const { name, value } of e.attributes) {
        if (name.startsWith('on')) wrong.push(`${name} on ${e.tagName}`);
        if (/^(href|src|action|formaction|xlink:href|srcdoc)$/.test(name) && !/^(https?:|mailto:)/.test(value))
          wrong.push(`${name}=${value}`);
      }
    return { wrong, hits: window.hits, url: location.href };
  });
  assert.deepEqual(found.wrong, []);
  assert.equal(found.hits, 0);
  assert.ok(found.url.startsWith(home), found.url);
}
