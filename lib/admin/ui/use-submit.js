import { useEffect, useRef, useState } from './preact.min.js';
import { fieldErrors } from './field-errors.js';

/** What a form sends: whether it is on its way, and the errors of the answer at their fields. */
export function useSubmit(send, fields = []) {
  const [isBusy, setBusy] = useState(false);
  const [errors, setErrors] = useState({});
  const isMounted = useRef(true);
  useEffect(
    () => () => {
      isMounted.current = false;
    },
    [],
  );
  const submit = async () => {
    if (isBusy) return;
    setBusy(true);
    setErrors({});
    try {
      await send();
    } catch (error) {
      if (isMounted.current) setErrors(fieldErrors(error, fields));
    }
    if (isMounted.current) setBusy(false);
  };
  return { isBusy, errors, setErrors, submit };
}
