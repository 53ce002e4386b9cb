/**
 * Finds ports that the kernel gives to no other process: they are below its range for outgoing connections and for
 * port 0.
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false)).listen(port, () => server.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}
