export { adminClient, type AdminClient, type AdminResponse, type ErrorBody } from './admin-client.js';
export { startAdminApp, type AdapterName, type AdminApp, type AdminAppSetup } from './admin-app.js';
export { openEvents, type EventReader } from './event-reader.js';
export { ApiContract, dereferenced } from './api-contract.js';
export { manyBackfills, startMany } from './many-backfills.js';
