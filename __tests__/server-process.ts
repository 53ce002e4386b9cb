/**
 * Functions for test servers: starting on a free port, reading the log, and a guard that kills them when the tests end.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'

export const HOST = '127.0.0.1'
/** These ports are below the ephemeral ports. So no outgoing connection can take the port of a server that is down. */
const PORTS = { from: 20_000, to: 32_000 }
const ATTEMPTS = 5

interface TestServer {
  restart(): Promise<void>
  stop(): Promise<void>
  log(): string
}

/** Starts a server on a random port. If the port is in use, tries other ports, up to `ATTEMPTS` in all. */
export async function startOnFreePort<Server extends TestServer>(
  create: (port: number) => Promise<Server>,
): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const server = await create(PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from)))
    try {
      await server.restart()
      return server
    } catch (error) {
      const portTaken = server.log().includes('Address already in use')
      await server.stop()
      if (!portTaken || attempt === ATTEMPTS) throw error
    }
  }
}

export function readLog(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Kills the process and removes its folder when the tests end. This also works if the tests are killed, because the
 * pipe to the shell is closed then. If a server has several processes, killing its main process ends all of them.
 */
export function guard(pid: number, folder: string): ChildProcess {
  const script = 'read _; kill -9 "$0"; rm -rf "$1"'
  const child = spawn('/bin/sh', ['-c', script, String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.unref()
  ;(child.stdin as Socket | null)?.unref()
  return child
}
