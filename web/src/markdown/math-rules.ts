/* Formulas: $x$, $$x$$, \(x\) and \[x\].  A lone dollar stays a dollar: "$5 and $6"
 * has no formula, because a closing dollar must not follow a blank nor precede a digit. */
import type { StateBlock, StateInline } from 'markdown-it';

/* Closers that do not come any more in a text: a thousand openers do not search it each. */
const missing = new WeakMap<StateInline, Set<string>>();

function isMissing(state: StateInline, close: string): boolean {
  return missing.get(state)?.has(close) ?? false;
}

function noteMissing(state: StateInline, close: string): false {
  missing.set(state, (missing.get(state) ?? new Set()).add(close));
  return false;
}

function findClose(text: string, from: number, close: string): number {
  for (let at = text.indexOf(close, from); at >= 0; at = text.indexOf(close, at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

function emit(state: StateInline, tex: string, isDisplay: boolean, end: number): true {
  const token = state.push('math', 'math', 0);
  token.content = tex.trim();
  token.markup = isDisplay ? '$$' : '$';
  state.pos = end;
  return true;
}

export function mathInline(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  const pairs = [
    ['\\(', '\\)', false],
    ['\\[', '\\]', true],
    ['$$', '$$', true],
    ['$', '$', false],
  ] as const;
  for (const [open, close, isDisplay] of pairs) {
    if (!src.startsWith(open, pos)) continue;
    const start = pos + open.length;
    const end = isMissing(state, close) ? -1 : findClose(src, start, close);
    if (end < 0) return noteMissing(state, close);
    if (end <= start || end > state.posMax) return false;
    const isDollar = open === '$';
    if (isDollar && (/\s/.test(src[start] ?? ' ') || /\s/.test(src[end - 1] ?? ' '))) return false;
    if (isDollar && /\d/.test(src[end + 1] ?? '')) return false;
    if (silent) {
      state.pos = end + close.length;
      return true;
    }
    return emit(state, src.slice(start, end), isDisplay, end + close.length);
  }
  return false;
}

export function mathBlock(
  state: StateBlock,
  startLine: number,
  endLine: number,
  silent: boolean,
): boolean {
  const start = (state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0);
  const first = state.src.slice(start, state.eMarks[startLine] ?? start).trimEnd();
  const close = first.startsWith('$$') ? '$$' : first.startsWith('\\[') ? '\\]' : null;
  if (close === null || (state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;

  let line = startLine;
  const lines = [first.slice(2)];
  let isClosed = true;
  for (let last = lines[0] ?? ''; !last.trimEnd().endsWith(close);) {
    if (last.includes(close)) return false; // text behind it: the inline rule's
    line++;
    if (line >= endLine) {
      isClosed = false; // like a code block, it goes on to the end; more may come
      line--;
      break;
    }
    const from = (state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0);
    last = state.src.slice(from, state.eMarks[line] ?? from);
    lines.push(last);
  }
  if (silent) return true;
  const text = lines.join('\n');
  const token = state.push('math_block', 'math', 0);
  token.content = isClosed ? text.trimEnd().slice(0, -2).trim() : first.slice(0, 2) + text;
  token.markup = isClosed ? close : '';
  token.map = [startLine, line + 1];
  state.line = line + 1;
  return true;
}
