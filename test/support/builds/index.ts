export { installCommit, installTarball, type InstalledBuild } from './installed-build.js';
