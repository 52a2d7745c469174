// All of it, with the editor and CodeMirror, in one file for a page without a bundler.
export * from '../elements/editor';
export * from './pg-live';
