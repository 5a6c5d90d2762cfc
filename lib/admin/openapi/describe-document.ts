import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { components } from './components.js';
import type { Component } from './components.js';
import { declaredParams } from './declared-params.js';
import { defineModels, describeEndpoints } from './describe-endpoints.js';
import { withParams } from './params-components.js';

/**
 * Describes the endpoints of controllers for OpenAPI, with the parameters of the backfills of an app, and returns the schemas
 * that the document names.
 *
 * @param security names of security schemes, of which a request needs one
 */
export function describeDocument(
  controllers: readonly Type[],
  security: readonly string[],
  modules: ModulesContainer,
): readonly Component[] {
  describeEndpoints(controllers, security);
  const described = withParams(components(), declaredParams(modules));
  defineModels(controllers, described);
  return described;
}
