/* Formulas by KaTeX, which is fetched from this server when the first one appears.  It
 * builds elements, no HTML strings. */
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { withStyleProperties } from './style-properties';

type Katex = typeof import('katex').default;
const katex = signal<Katex | null>(null);
let isAsked = false;

function load(): void {
  if (isAsked) return;
  isAsked = true;
  void Promise.all([import('katex'), import('katex/dist/katex.min.css')])
    .then(([module]) => {
      katex.value = module.default;
    })
    .catch(() => {
      isAsked = false; // the server was away: the next formula asks again
    });
}

/* What is no formula stays as it was written.  (KaTeX would colour it by a style
 * attribute, which the page's policy forbids.) */
function draw(renderer: Katex, tex: string, into: HTMLElement, displayMode: boolean): void {
  const options = {
    displayMode,
    throwOnError: true,
    trust: false,
    strict: 'ignore',
    maxExpand: 500,
    maxSize: 40,
  } as const;
  try {
    withStyleProperties(() => {
      renderer.render(tex, into, options);
    });
  } catch {
    into.textContent = tex;
  }
}

export function Formula({ tex, isDisplay }: { tex: string; isDisplay: boolean }) {
  const ref = useRef<HTMLSpanElement>(null);
  const renderer = katex.value;
  useLayoutEffect(() => {
    if (!renderer) load();
    else if (ref.current) draw(renderer, tex, ref.current, isDisplay);
  }, [tex, isDisplay, renderer]);
  return (
    <span class={isDisplay ? 'math math-display' : 'math'} tabIndex={isDisplay ? 0 : undefined} ref={ref}>
      {renderer ? null : tex}
    </span>
  );
}
