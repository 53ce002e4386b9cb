/** Starts Debian's Chromium in headless mode. */
import { chromium, type Browser } from 'playwright-core'

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // The first two options let Chromium run as root, and in a container with a small /dev/shm. The third one lets the
    // name `ops.test` resolve to this machine.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--host-resolver-rules=MAP ops.test 127.0.0.1'],
  })
}
