// All but the editor, in one file for a page without a bundler.
export * from '../elements/index';
export * from '../index';
