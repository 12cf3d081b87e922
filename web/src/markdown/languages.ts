import { common, createLowlight } from 'lowlight';
import type { Highlighter } from './highlight';

export function createHighlighter(): Highlighter {
  return createLowlight(common) as Highlighter;
}
