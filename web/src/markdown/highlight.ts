/* The highlighter comes as a file of its own when the first code block appears. */
import { signal } from '@preact/signals';

interface HastText {
  type: 'text';
  value: string;
}
interface HastElement {
  type: 'element';
  properties: { className?: string[] };
  children: HastNode[];
}
export type HastNode = HastText | HastElement | { type: 'comment' | 'doctype' };

export interface Highlighter {
  registered(language: string): boolean;
  highlight(language: string, text: string): { children: HastNode[] };
}

export const highlighter = signal<Highlighter | null>(null);
let isAsked = false;

export function wantHighlighter(): void {
  if (isAsked) return;
  isAsked = true;
  import('./languages')
    .then((module) => {
      highlighter.value = module.createHighlighter();
    })
    .catch(() => {
      isAsked = false;
    });
}
