/* Formulas by KaTeX, which is fetched from this server when the first one appears.  It
 * builds elements, no HTML strings, and sets styles through the CSSOM, as the page's
 * policy demands. */
import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';

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

export function Formula({ tex, isDisplay }: { tex: string; isDisplay: boolean }) {
  const ref = useRef<HTMLSpanElement>(null);
  const renderer = katex.value;
  useLayoutEffect(() => {
    if (!renderer) load();
    else if (ref.current)
      renderer.render(tex, ref.current, {
        displayMode: isDisplay,
        throwOnError: false,
        trust: false,
        strict: 'ignore',
        maxExpand: 500,
        maxSize: 40,
      });
  }, [tex, isDisplay, renderer]);
  return (
    <span class={isDisplay ? 'math math-display' : 'math'} tabIndex={isDisplay ? 0 : undefined} ref={ref}>
      {renderer ? null : tex}
    </span>
  );
}
