/* Icons: strokes on a 24-unit grid, drawn in the text's colour. */
const paths = {
  plus: 'M12 5v14M5 12h14',
  send: 'M12 19V5M6 11l6-6 6 6',
  stop: 'M8 8h8v8H8z',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  pencil: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  again: 'M19 12a7 7 0 1 1-2-5M19 4v4h-4',
  forward: 'M6 6l6 6-6 6M13 6l6 6-6 6',
  left: 'M14 6l-6 6 6 6',
  right: 'M10 6l6 6-6 6',
  down: 'M6 10l6 6 6-6',
  sidebar: 'M4 5h16v14H4zM10 5v14',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4 4',
  dots: 'M6 12h.01M12 12h.01M18 12h.01',
  clip: 'M19 11l-7.5 7.5a4.2 4.2 0 0 1-6-6L13 5a2.8 2.8 0 0 1 4 4l-7.500 7.500a1.400 1.400 0 0 1-2-2L14 8',
  close: 'M6 6l12 12M18 6L6 18',
  settings: 'M5 7h9M18 7h1M5 17h1M10 17h9M16 5v4M8 15v4',
  keyboard: 'M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8',
  pin: 'M9 4h6l-1 6 3 3H7l3-3zM12 13v7',
  folder: 'M4 7h6l2 2h8v10H4z',
  ghost: 'M6 19V11a6 6 0 0 1 12 0v8l-2-1.500-2 1.500-2-1.500-2 1.500-2-1.500zM10 11h.01M14 11h.01',
  thought: 'M12 4a6 6 0 0 1 3.500 10.900V17h-7v-2.100A6 6 0 0 1 12 4zM10 20h4',
  trash: 'M5 7h14M9 7V5h6v2M7 7l1 12h8l1-12',
  file: 'M7 4h7l4 4v12H7zM14 4v4h4',
  compass: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM15 9l-2 4-4 2 2-4z',
  bolt: 'M13 4L6 13h5l-1 7 7-9h-5z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
