import ts from 'typescript';
import { ModuleSource } from '../../../lib/schematics/source/module-source.js';

const SCHEDULE = {
  list: 'imports',
  symbol: 'ScheduleModule',
  from: '@nestjs/schedule',
  expression: 'ScheduleModule.forRoot()',
} as const;

const add = (text: string) => new ModuleSource(ts, 'app.module.ts', text).with(SCHEDULE);

describe('ModuleSource', () => {
  it('adds to an array of several lines with a trailing comma', () => {
    expect(
      add(`import { A } from 'a';\n@Module({\n  imports: [\n    A,\n  ],\n})\nexport class X {}\n`),
    ).toBe(
      `import { A } from 'a';\nimport { ScheduleModule } from '@nestjs/schedule';\n@Module({\n  imports: [\n    A,\n    ScheduleModule.forRoot(),\n  ],\n})\nexport class X {}\n`,
    );
  });

  it('adds to an array of one line, and keeps double quotes and missing semicolons', () => {
    expect(add(`import { A } from "a"\n@Module({ imports: [A] })\nclass X {}\n`)).toBe(
      `import { A } from "a"\nimport { ScheduleModule } from "@nestjs/schedule"\n@Module({ imports: [A, ScheduleModule.forRoot()] })\nclass X {}\n`,
    );
  });

  it('fills an empty array with the indentation of the file', () => {
    expect(add(`import { A } from 'a';\n@Module({\n\timports: [],\n})\nclass X {}\n`)).toContain(
      `\timports: [\n\t\tScheduleModule.forRoot(),\n\t],`,
    );
  });

  it('creates the array when it is missing', () => {
    expect(add(`import { A } from 'a';\n@Module({\n  providers: [A],\n})\nclass X {}\n`)).toContain(
      `@Module({\n  imports: [\n    ScheduleModule.forRoot(),\n  ],\n  providers: [A],\n})`,
    );
  });

  it('extends an import that names other things of the package', () => {
    expect(add(`import { Cron } from '@nestjs/schedule';\n@Module({ imports: [] })\nclass X {}\n`)).toContain(
      `import { Cron, ScheduleModule } from '@nestjs/schedule';`,
    );
  });

  it('keeps CRLF line endings', () => {
    expect(add(`import { A } from 'a';\r\n@Module({ imports: [A] })\r\nclass X {}\r\n`)).not.toMatch(
      /[^\r]\n/,
    );
  });

  it.each([
    'ScheduleModule.forRoot()',
    'ScheduleModule.forRoot({ cronJobs: true })',
    'ScheduleModule.forRootAsync({})',
  ])('changes nothing when %s is present', (there) => {
    const text = `import { ScheduleModule } from '@nestjs/schedule';\n@Module({ imports: [${there}] })\nclass X {}\n`;

    expect(add(text)).toBe(text);
  });

  it('does not import a symbol twice', () => {
    const text = `import { ScheduleModule } from '@nestjs/schedule';\n@Module({ imports: [] })\nclass X {}\n`;

    expect(add(text).match(/import \{/g)).toHaveLength(1);
  });

  it.each(['imports: modules', 'imports'])(
    'explains the manual change when the array is not a literal (%s)',
    (it) => {
      expect(() => add(`@Module({ ${it} })\nclass X {}\n`)).toThrow(
        /imports of @Module in app\.module\.ts to be an array literal.*\n.*ScheduleModule\.forRoot\(\)/,
      );
    },
  );

  it('rejects a file without a module', () => {
    expect(() => add(`export class X {}\n`)).toThrow(
      'Expected a class with @Module({ ... }) in app.module.ts',
    );
  });
});
