// Builds the demo page into dist/, which the bridge serves at / (--demo-dir). Every address in it is relative and
// every script and style is a file of its own, so that the page works below any path and under a strict
// Content-Security-Policy.
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
