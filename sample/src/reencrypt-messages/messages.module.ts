import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Module } from '@nestjs/common';
import { KEY_RING, sampleKeyRing } from './key-ring.js';
import { MessageCipher } from './message.cipher.js';
import { Message } from './message.entity.js';
import { ReencryptMessages } from './reencrypt-messages.backfill.js';

@Module({
  imports: [MikroOrmModule.forFeature([Message])],
  providers: [{ provide: KEY_RING, useFactory: sampleKeyRing }, MessageCipher, ReencryptMessages],
  exports: [MessageCipher],
})
export class MessagesModule {}
