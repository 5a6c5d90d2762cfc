export { RemoteProcess, type RemoteOptions } from './remote-process.js';
export { answerParent, tellParent } from './parent.js';
