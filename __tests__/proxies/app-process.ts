/** The app behind the proxy, as a child process: starts, stops, kills and freezes it, and reads its records. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildApp } from '../faults/build'
import { atEnd, temporaryFolder } from '../faults/receiver-process'
import { freeze } from '../freeze'
import { pause } from '../integration/harness'
import type { AppSettings, Note } from './app'
import { freePort } from './ports'

export class App {
  readonly port: number
  readonly #settings: AppSettings
  #child: ChildProcess | undefined

  constructor(webhook: AppSettings['webhook'], port: number) {
    this.port = port
    this.#settings = { port, notes: join(temporaryFolder(), 'notes'), webhook }
    writeFileSync(this.#settings.notes, '')
    atEnd(() => this.stop('SIGKILL'))
  }

  /** Resolves when the app listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [buildApp(), JSON.stringify(this.#settings)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
    })
    this.#child = child
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('The app ended at its start.')))
    await Promise.race([once(child, 'message'), ended])
    ended.catch(() => undefined)
  }

  /** A frozen process keeps its port but does nothing. */
  async freeze(): Promise<void> {
    if (this.#child?.pid !== undefined) await freeze(this.#child.pid)
  }

  /** Resolves when the process has ended. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  get notes(): Note[] {
    const lines = readFileSync(this.#settings.notes, 'utf8').split('\n')
    // Leaves out the text after the last line break, which is empty or an incomplete line.
    return lines.slice(0, -1).map((line) => JSON.parse(line) as Note)
  }

  noted<What extends Note['what']>(what: What): Array<Extract<Note, { what: What }>> {
    return this.notes.filter((note): note is Extract<Note, { what: What }> => note.what === what)
  }

  async until(found: (note: Note) => boolean): Promise<void> {
    while (!this.notes.some(found)) await pause(10)
  }
}

export async function startApp(webhook?: AppSettings['webhook']): Promise<App> {
  const app = new App(webhook, await freePort())
  await app.start()
  return app
}
