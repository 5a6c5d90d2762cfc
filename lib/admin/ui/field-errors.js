/** The errors of a request at its fields, as `{ field: text }`; those of no known field are under the empty key. */
export function fieldErrors(error, known) {
  const errors = {};
  for (const { field, expected, received } of error.fields ?? []) {
    const [first] = String(field).split('.');
    const key = known.includes(field) ? field : first;
    const got = received === undefined ? '' : ` Got ${received}.`;
    if (known.includes(key)) errors[key] ??= `Must be ${expected}.${got}`;
  }
  return Object.keys(errors).length > 0 ? errors : { '': error.message };
}
