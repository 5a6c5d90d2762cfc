import { Global, Module } from '@nestjs/common';
import { readSettings, SAMPLE_SETTINGS } from './sample-settings.js';

@Global()
@Module({
  providers: [{ provide: SAMPLE_SETTINGS, useFactory: () => readSettings(process.env) }],
  exports: [SAMPLE_SETTINGS],
})
export class SettingsModule {}
