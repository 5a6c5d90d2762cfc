import type { InjectionToken, Provider, Type } from '@nestjs/common';

type Instances<Tokens extends readonly InjectionToken[]> = {
  [K in keyof Tokens]: Tokens[K] extends Type<infer T>
    ? T
    : Tokens[K] extends abstract new (...args: never[]) => infer T
      ? T
      : never;
};

/** A class made of others, all of them injected by their class. */
export function made<T, const Tokens extends readonly InjectionToken[]>(
  provide: InjectionToken<T>,
  inject: Tokens,
  make: (...parts: Instances<Tokens>) => T,
): Provider<T> {
  return { provide, inject: [...inject], useFactory: make as (...parts: unknown[]) => T };
}
