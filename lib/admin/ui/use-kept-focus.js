import { useLayoutEffect, useRef } from './preact.min.js';

/** Keeps the focus within an element when an update removes what has it. Returns the ref of the element. */
export function useKeptFocus() {
  const area = useRef();
  const hadFocus = area.current?.contains(document.activeElement);
  useLayoutEffect(() => {
    if (!hadFocus || document.activeElement !== document.body) return;
    const next = area.current.querySelector('button, a[href], input') ?? area.current;
    next.focus({ preventScroll: true });
  });
  return area;
}
