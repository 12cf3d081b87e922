/* Tokens become elements.  There is no HTML string on the way: what a model writes can
 * end up as text, as one of the elements named here, or not at all. */
import { Fragment, type ComponentChildren, type VNode } from 'preact';
import { Code } from './code';
import { InertImage, SafeLink } from './links';
import { Formula } from './math';
import type { Token } from './parser';

type Tag = 'p' | 'em' | 'strong' | 's' | 'blockquote' | 'ul' | 'ol' | 'li' | 'table' | 'thead'
  | 'tbody' | 'tr' | 'h1' | 'h2' | 'h3' | 'h4' | 'h5' | 'h6';

/* Element by token type, without _open.  The page has the first level and each turn
 * a heading of the second: the model's begin at the third. */
const tags: Record<string, Tag> = {
  paragraph: 'p', em: 'em', strong: 'strong', s: 's', blockquote: 'blockquote',
  bullet_list: 'ul', ordered_list: 'ol', list_item: 'li', table: 'table', thead: 'thead',
  tbody: 'tbody', tr: 'tr',
};
const headings: Record<string, Tag> = { h1: 'h3', h2: 'h4', h3: 'h5', h4: 'h6', h5: 'h6', h6: 'h6' };

class Cursor {
  at = 0;
  constructor(readonly tokens: readonly Token[], readonly isLive: boolean) {}
}

function container(token: Token, children: ComponentChildren, key: number): VNode | null {
  const type = token.type.replace(/_open$/, '');
  if (token.hidden) return <Fragment key={key}>{children}</Fragment>; // tight lists
  if (type === 'heading') {
    const H = headings[token.tag] ?? 'h6';
    return <H key={key} class={`h-${token.tag}`}>{children}</H>;
  }
  if (type === 'link')
    return <SafeLink key={key} href={String(token.attrGet('href') ?? '')}>{children}</SafeLink>;
  if (type === 'th' || type === 'td') {
    const align = /(left|center|right)/.exec(String(token.attrGet('style') ?? ''))?.[1];
    const Cell = type;
    return <Cell key={key} class={align ? `align-${align}` : undefined}>{children}</Cell>;
  }
  if (type === 'table')
    return <div key={key} class="table-box" tabIndex={0}><table>{children}</table></div>;
  if (type === 'ordered_list')
    return <ol key={key} start={Number(token.attrGet('start') ?? 1)}>{children}</ol>;
  const T = tags[type];
  return T ? <T key={key}>{children}</T> : <Fragment key={key}>{children}</Fragment>;
}

function leaf(token: Token, key: number, isLive: boolean): ComponentChildren {
  switch (token.type) {
    case 'inline':
      return <Fragment key={key}>{renderTokens(token.children ?? [], isLive)}</Fragment>;
    case 'text':
      return token.content;
    case 'softbreak':
      return '\n';
    case 'hardbreak':
      return <br key={key} />;
    case 'hr':
      return <hr key={key} />;
    case 'code_inline':
      return <code key={key}>{token.content}</code>;
    case 'fence':
    case 'code_block':
      return <Code key={key} text={token.content} info={token.info} isLive={isLive} />;
    case 'math':
      return <Formula key={key} tex={token.content} isDisplay={token.markup === '$$'} />;
    case 'math_block':
      if (token.markup === '') return <p key={key} class="open-math">{token.content}</p>;
      return <Formula key={key} tex={token.content} isDisplay />;
    case 'image':
      return <InertImage key={key} src={String(token.attrGet('src') ?? '')} alt={token.content} />;
    default:
      return token.content; // html and what a later version may bring: as text
  }
}

/* Emphasis nests as deep as somebody writes it; the stack does not. */
const MAX_DEPTH = 100;

function renderUntilClose(c: Cursor, depth: number): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  let flat = 0; // elements too deep: only what is in them
  for (;;) {
    const token = c.tokens[c.at++];
    if (!token || (token.nesting < 0 && flat === 0)) return out;
    if (token.nesting < 0) flat--;
    else if (token.nesting > 0 && depth >= MAX_DEPTH) flat++;
    else if (token.nesting > 0) out.push(container(token, renderUntilClose(c, depth + 1), out.length));
    else out.push(leaf(token, out.length, c.isLive));
  }
}

/** isLive: more may come, so costly finishing can wait. */
export function renderTokens(tokens: readonly Token[], isLive: boolean): ComponentChildren[] {
  return renderUntilClose(new Cursor(tokens, isLive), 0);
}
