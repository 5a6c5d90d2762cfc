import { Module } from '@nestjs/common';

/** The root module of the apps; what it imports is each role's own. */
@Module({})
export class BenchModule {}
