/* Markdown as the models write it: CommonMark, tables, strikethrough, and formulas.
 * Tokens only; what becomes of them is render.tsx's business.  HTML stays text. */
import MarkdownIt, { type Token } from 'markdown-it';
import { mathBlock, mathInline } from './math-rules';

const md = new MarkdownIt({ html: false, linkify: true, breaks: false });

md.linkify.set({ fuzzyLink: false, fuzzyEmail: false }); // only what says https:// itself
md.inline.ruler.before('escape', 'math', mathInline);
md.block.ruler.before('fence', 'math_block', mathBlock, {
  alt: ['paragraph', 'reference', 'blockquote', 'list'],
});

/* Any scheme may be shown; links.ts decides what may be opened. */
md.validateLink = () => true;

export type { Token };

/** What one text's parts share: definitions of reference links. */
export type Env = Record<string, unknown>;

export interface Block {
  source: string;
  tokens: Token[];
}

/** Top-level blocks; their sources joined are the text. */
export function parseBlocks(text: string, env: Env): Block[] {
  const groups: { tokens: Token[]; line: number }[] = [];
  for (const token of md.parse(text, env)) {
    if (token.level === 0 && token.nesting >= 0 && token.map)
      groups.push({ tokens: [], line: groups.length === 0 ? 0 : token.map[0] });
    groups.at(-1)?.tokens.push(token);
  }
  if (groups.length === 0) return [{ source: text, tokens: [] }];

  let at = 0;
  let line = 0;
  const starts = groups.map((group) => {
    for (; line < group.line; line++) at = text.indexOf('\n', at) + 1;
    return at;
  });
  return groups.map((group, i) => ({
    source: text.slice(starts[i], starts[i + 1]),
    tokens: group.tokens,
  }));
}
