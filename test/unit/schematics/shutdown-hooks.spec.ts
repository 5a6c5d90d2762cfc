import ts from 'typescript';
import { withShutdownHooks } from '../../../lib/schematics/nest-add/shutdown-hooks.js';

const add = (text: string) => withShutdownHooks(ts, 'main.ts', text);

it('enables them after the statement that creates the app, in a function', () => {
  expect(
    add(
      `async function bootstrap() {\n  const app = await NestFactory.create(AppModule);\n  await app.listen(3000);\n}\nvoid bootstrap();\n`,
    ),
  ).toBe(
    `async function bootstrap() {\n  const app = await NestFactory.create(AppModule);\n  app.enableShutdownHooks();\n  await app.listen(3000);\n}\nvoid bootstrap();\n`,
  );
});

it.each([
  [
    'a module, with options over several lines',
    `const service = await NestFactory.create<NestExpressApplication>(AppModule, {\n  bufferLogs: true,\n});\n`,
    `const service = await NestFactory.create<NestExpressApplication>(AppModule, {\n  bufferLogs: true,\n});\nservice.enableShutdownHooks();\n`,
  ],
  [
    'an app without HTTP, without semicolons',
    `const app = await NestFactory.createApplicationContext(AppModule)\nrun(app)\n`,
    `const app = await NestFactory.createApplicationContext(AppModule)\napp.enableShutdownHooks()\nrun(app)\n`,
  ],
  [
    'CRLF line endings',
    `const app = await NestFactory.createMicroservice(AppModule);\r\nawait app.listen();\r\n`,
    `const app = await NestFactory.createMicroservice(AppModule);\r\napp.enableShutdownHooks();\r\nawait app.listen();\r\n`,
  ],
])('enables them in %s', (_, before, after) => {
  expect(add(before)).toBe(after);
});

it('changes nothing where they are enabled', () => {
  const text = `const app = await NestFactory.create(AppModule);\napp.useLogger(log).enableShutdownHooks(['SIGTERM']);\n`;

  expect(add(text)).toBe(text);
});

it.each([
  'run();\n',
  'NestFactory.create(AppModule).then((app) => app.listen(3000));\n',
  'const app = build();\n',
])('finds no app in %j', (text) => {
  expect(add(text)).toBeUndefined();
});
