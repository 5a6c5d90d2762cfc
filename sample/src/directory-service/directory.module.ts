import { Module } from '@nestjs/common';
import { DirectoryServer } from './directory.server.js';

@Module({ providers: [DirectoryServer], exports: [DirectoryServer] })
export class DirectoryModule {}
