import type { INestApplication } from '@nestjs/common';

/** Opens the app to HTTP on loopback; answers its address. */
export async function serve(app: INestApplication, port: number | string = 0): Promise<string> {
  await app.listen(port, '127.0.0.1');
  return app.getUrl();
}
