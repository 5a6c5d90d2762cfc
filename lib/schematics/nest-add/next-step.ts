import type { Rule, TaskConfigurationGenerator } from '@angular-devkit/schematics';

interface NextStepOptions {
  readonly message: string;
}

/** Prints what is to be done next: a schematic, so that it runs after the installation, and its text stands last. */
export function nextStep({ message }: NextStepOptions): Rule {
  return (_tree, context) => {
    context.logger.info(message);
  };
}

/** `RunSchematicTask` of the devkit without importing the devkit at run time. */
export class NextStepTask implements TaskConfigurationGenerator<object> {
  constructor(private readonly message: string) {}

  toConfiguration() {
    const { message } = this;
    return { name: 'run-schematic', options: { name: 'next-step', options: { message } } };
  }
}
