// Owns the headless browser of the end-to-end tests. It asks no other host than the bridge, and no test waits for one.
import { chromium } from 'playwright-core';

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

/** PG_LIVE_CHROMIUM: the program (/usr/bin/chromium). */
export const launchBrowser = () => chromium.launch({ executablePath: process.env.PG_LIVE_CHROMIUM ?? '/usr/bin/chromium', args: flags });
