import vm from 'node:vm';

/** Stands for the context of the process, where Jest expects one that a test environment has created. */
export const MAIN_CONTEXT = Object.freeze({});

const { compileFunction, SourceTextModule, SyntheticModule } = vm;

const inMain = (name, options) =>
  options?.[name] === MAIN_CONTEXT ? { ...options, [name]: undefined } : options;

vm.compileFunction = (code, parameters, options) =>
  compileFunction(code, parameters, inMain('parsingContext', options));

vm.SourceTextModule = function (code, options) {
  return Reflect.construct(SourceTextModule, [code, inMain('context', options)], new.target);
};
vm.SourceTextModule.prototype = SourceTextModule.prototype;

vm.SyntheticModule = function (names, evaluate, options) {
  return Reflect.construct(SyntheticModule, [names, evaluate, inMain('context', options)], new.target);
};
vm.SyntheticModule.prototype = SyntheticModule.prototype;
