import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

export { AppModule };

const app = await NestFactory.createApplicationContext(AppModule);
process.stdout.write('A second app was started\n');
await app.close();
