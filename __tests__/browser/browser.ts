/** Starts Debian's Chromium in headless mode. */
import { chromium, type Browser } from 'playwright-core'

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // Chromium may run as root, in a container with a small /dev/shm. The name `ops.test` resolves to this machine.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--host-resolver-rules=MAP ops.test 127.0.0.1'],
  })
}
