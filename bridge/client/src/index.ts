// The package pg-live: the core and the stores. Elements, the editor and React are at subpaths of their own.
export * from './core/index';
export * from './stores/index';
