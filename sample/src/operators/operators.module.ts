import { Module } from '@nestjs/common';
import { BrowserGuard } from './browser.guard.js';
import { OperatorGuard } from './operator.guard.js';
import { TokenGuard } from './token.guard.js';

@Module({ providers: [TokenGuard, BrowserGuard, OperatorGuard] })
export class OperatorsModule {}
