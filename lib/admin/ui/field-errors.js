/** The errors of a request at its fields, as `{ field: text }`; those of no known field are under the empty key. */
export function fieldErrors(error, known) {
  const errors = {};
  for (const { field, expected, received } of error.fields ?? []) {
    const got = received === undefined ? '' : ` Got ${received}.`;
    const key = knownField(String(field).split('.'), known);
    if (key !== undefined) errors[key] ??= `Must be ${expected}.${got}`;
  }
  return Object.keys(errors).length > 0 ? errors : { '': error.message };
}

/** The longest path of a field that the form has. */
function knownField(parts, known) {
  const paths = parts.map((_, i) => parts.slice(0, parts.length - i).join('.'));
  return paths.find((path) => known.includes(path));
}
