/* A button that opens a list of actions: the browser's popover, so that Escape and a
 * click beside it close it. */
import type { RefObject } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './icon';

export interface MenuItem {
  icon: IconName;
  label: string;
  run: () => void;
  isDanger?: boolean;
}

const GAP_PX = 4;

/* Below the button, or above where there is no room. */
function place(menu: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { offsetHeight: height, offsetWidth: width } = menu;
  const below = at.bottom + GAP_PX;
  const isBelow = below + height <= window.innerHeight;
  menu.style.top = `${isBelow ? below : Math.max(GAP_PX, at.top - height - GAP_PX)}px`;
  menu.style.left = `${Math.max(GAP_PX, Math.min(at.left, window.innerWidth - width - GAP_PX))}px`;
}

/* Arrow keys go round; the menu's items are no tab stops of their own. */
function onKey(event: KeyboardEvent, menu: HTMLElement): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll('button')];
  const i = items.indexOf(document.activeElement as HTMLButtonElement);
  items[(i + step + items.length) % items.length]?.focus();
}

interface Props {
  label: string;
  /** A function: asked when the menu opens; a list of chats has hundreds of menus. */
  items: MenuItem[] | (() => MenuItem[]);
  icon?: IconName;
}

interface ListProps {
  label: string;
  items: MenuItem[];
  id: string;
  button: RefObject<HTMLButtonElement>;
  onClose: () => void;
}

/* Made when it opens, gone when it is closed. */
function List({ label, items, id, button, onClose }: ListProps) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!menu.current || !button.current) return;
    menu.current.showPopover();
    place(menu.current, button.current);
    menu.current.querySelector('button')?.focus();
  }, []);
  return (
    <div
      class="menu"
      id={id}
      role="menu"
      aria-label={label}
      popover="auto"
      ref={menu}
      onToggle={() => {
        if (!menu.current?.matches(':popover-open')) onClose();
      }}
      onKeyDown={(event) => { if (menu.current) onKey(event, menu.current); }}
    >
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          class={item.isDanger ? 'is-danger' : ''}
          onClick={() => {
            menu.current?.hidePopover();
            item.run();
          }}
        >
          <Icon name={item.icon} />{item.label}
        </button>
      ))}
    </div>
  );
}

export function Menu({ label, items, icon = 'dots' }: Props) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        type="button"
        class="icon-button"
        ref={button}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => { setOpen(true); }}
      >
        <Icon name={icon} />
      </button>
      {isOpen && <List label={label} items={typeof items === 'function' ? items() : items} id={id} button={button} onClose={() => { setOpen(false); }} />}
    </>
  );
}
