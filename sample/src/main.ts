import 'reflect-metadata';
import { MikroORM } from '@mikro-orm/postgresql';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { serve } from './serve.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.get(MikroORM).schema.update({ safe: true });
new Logger('Sample').log(`The sample listens on ${await serve(app, process.env['PORT'] ?? 3000)}`);
