import { html, useEffect, useRef, useState } from './preact.min.js';
import { toast } from './toasts.js';

/**
 * A button that is busy until the promise of its `onClick` settles: further presses do nothing. An error is shown as a
 * toast, unless the listener handles it.
 */
export function Button({
  kind = '',
  onClick,
  children,
  type = 'button',
  busy = false,
  disabled = false,
  ...props
}) {
  const [isPending, setPending] = useState(false);
  const isMounted = useRef(true);
  useEffect(
    () => () => {
      isMounted.current = false;
    },
    [],
  );
  const isBusy = busy || isPending;
  // `aria-disabled` and not `disabled`, which would take the focus away.
  const press = async (event) => {
    if (isBusy || disabled) {
      event.preventDefault();
      return;
    }
    if (!onClick) return;
    setPending(true);
    try {
      await onClick(event);
    } catch (error) {
      toast(error.message, 'error');
    }
    if (isMounted.current) setPending(false);
  };
  return html`<button
    ...${props}
    type=${type}
    class=${kind}
    aria-busy=${isBusy ? 'true' : null}
    aria-disabled=${isBusy || disabled ? 'true' : null}
    onClick=${press}
  >
    ${children}
  </button>`;
}
