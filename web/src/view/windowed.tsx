/* A long list of rows of one height, of which only those near the eye are made. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const AROUND = 12; // rows beyond both edges
const FEW = 80; // all of so few are made

interface Props {
  n: number;
  /** In rem, as the style has it. */
  rowRem: number;
  row: (i: number) => ComponentChildren;
}

/** The element around that scrolls. */
function scrollerOf(list: HTMLElement): HTMLElement | null {
  return list.closest('.chat-list');
}

function rowPx(rem: number): number {
  return rem * parseFloat(getComputedStyle(document.documentElement).fontSize);
}

export function Windowed({ n, rowRem, row }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const [[from, to], setRange] = useState([0, FEW]);
  const isWhole = n <= FEW;

  useLayoutEffect(() => {
    const scroller = list.current && scrollerOf(list.current);
    if (isWhole || !scroller) return;
    const look = () => {
      if (!list.current) return;
      const px = rowPx(rowRem);
      const above = scroller.getBoundingClientRect().top - list.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(above / px) - AROUND);
      const last = Math.min(n, Math.ceil((above + scroller.clientHeight) / px) + AROUND);
      setRange((old) => (old[0] === first && old[1] === last ? old : [first, Math.max(first, last)]));
    };
    look();
    scroller.addEventListener('scroll', look, { passive: true });
    scroller.addEventListener('toggle', look, true); // of a folder above
    window.addEventListener('resize', look);
    return () => {
      scroller.removeEventListener('scroll', look);
      scroller.removeEventListener('toggle', look, true);
      window.removeEventListener('resize', look);
    };
  }, [n, rowRem, isWhole]);

  const [begin, end] = isWhole ? [0, n] : [Math.min(from, n), Math.min(to, n)];
  const rows = [];
  for (let i = begin; i < end; i++) rows.push(row(i));
  return (
    <ul ref={list} style={{ paddingTop: `${begin * rowRem}rem`, paddingBottom: `${(n - end) * rowRem}rem` }}>
      {rows}
    </ul>
  );
}
