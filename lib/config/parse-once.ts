/** Options of a parse with zod of what is parsed once: without the code that zod generates for a schema, which takes longer. */
export const PARSE_ONCE = { jitless: true };
