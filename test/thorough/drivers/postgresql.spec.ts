import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { createTestDatabase } from '../../support/databases/index.js';
import { driverSuite } from '../../integration/drivers/driver.suite.js';

driverSuite({
  name: 'postgresql',
  wideIntegers: true,
  transactions: true,
  locksRows: true,
  tellsIndex: true,
  timeDigits: 6,
  open: async () => {
    const { url } = await createTestDatabase();
    return { options: { driver: PostgreSqlDriver, clientUrl: url }, close: async () => {} };
  },
});
