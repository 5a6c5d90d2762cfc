import vm from 'node:vm';

/** The code cache of V8, and the source that it was made from, by kind and file. */
const known = new Map();

/** Compiles with the cache of an earlier compilation of the same file, else keeps the cache of this one. */
function cached(key, code, options, compile, cacheOf) {
  // Node finds no callback for the imports at run time of code that comes from a cache.
  if (/\bimport\s*\(/.test(code)) {
    return compile(options);
  }
  const before = known.get(key);
  if (before?.code === code) {
    try {
      return compile({ ...options, cachedData: before.data });
    } catch {
      // V8 rejects a cache that was made under other flags; an error of the code itself comes again.
    }
  }
  const compiled = compile(options);
  known.set(key, { code, data: cacheOf(compiled) });
  return compiled;
}

const { compileFunction, SourceTextModule } = vm;

/* Jest compiles the modules of the library and of the tests anew for each test file. */
vm.compileFunction = (code, parameters, options) =>
  cached(
    `function ${options?.filename}`,
    code,
    { ...options, produceCachedData: true },
    (all) => compileFunction(code, parameters, all),
    ({ cachedData }) => cachedData,
  );

vm.SourceTextModule = function (code, options) {
  return cached(
    `module ${options?.identifier}`,
    code,
    options,
    (all) => Reflect.construct(SourceTextModule, [code, all], new.target),
    (module) => module.createCachedData(),
  );
};
vm.SourceTextModule.prototype = SourceTextModule.prototype;
