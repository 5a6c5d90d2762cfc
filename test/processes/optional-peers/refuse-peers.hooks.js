const REFUSED = /^@(?:nestjs\/(?:swagger|terminus)|opentelemetry\/api)(?:\/|$)/;

let builtPackage;

/** Told where the built package is. */
export function initialize(data) {
  builtPackage = data;
}

export async function resolve(specifier, context, next) {
  if (REFUSED.test(specifier)) {
    throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' });
  }
  return next(specifier === 'nestjs-backfill' ? builtPackage : specifier, context);
}
