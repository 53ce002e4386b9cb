/**
 * Third-party packages that only the benchmarks need, installed from `bench/package.json` on first use. The types that
 * the benchmarks use are declared here, so that the type check works without these packages.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { join } from 'node:path'
import type { RequestHandler } from 'express'

interface Fastify {
  server: Server
  post(path: string, options: { schema: { body: object } }, handler: () => Promise<unknown>): void
  listen(options: { port: number; host: string }): Promise<string>
}

interface Webhooks {
  on(event: string, handler: () => void): void
}

interface Others {
  fastify: { fastify: (options: { bodyLimit: number }) => Fastify }
  '@octokit/webhooks': {
    Webhooks: new (options: { secret: string }) => Webhooks
    createNodeMiddleware: (
      webhooks: Webhooks,
      options: { path: string },
    ) => (...args: Parameters<RequestListener>) => Promise<boolean>
  }
  'express-openapi-validator': {
    middleware: (options: { apiSpec: object; validateResponses: boolean }) => RequestHandler[]
  }
}

export async function other<Name extends keyof Others>(name: Name): Promise<Others[Name]> {
  return (await import(name)) as Others[Name]
}

const FOLDER = join(__dirname, '..')
const INSTALL_TIMEOUT_MS = 300_000

interface Lockfile {
  packages: Record<string, { version: string } | undefined>
}

function versions(path: string): Lockfile['packages'] {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Lockfile).packages : {}
}

/** Runs `npm ci` in the folder of the benchmarks, unless the locked versions are installed already. */
export function installOthers(): void {
  const wanted = versions(join(FOLDER, 'package-lock.json'))
  const installed = versions(join(FOLDER, 'node_modules', '.package-lock.json'))
  const missing = Object.keys(wanted).some((path) => path !== '' && wanted[path]?.version !== installed[path]?.version)
  if (!missing) return
  console.log('Installing the packages to compare with (npm ci in bench/) …')
  // Shows only errors, because some packages warn that they prefer a newer Node.
  const { status, error } = spawnSync('npm', ['ci', '--loglevel=error'], {
    cwd: FOLDER,
    stdio: 'inherit',
    timeout: INSTALL_TIMEOUT_MS,
  })
  if (status === 0) return
  throw new Error('Could not install the packages to compare with. Run `npm ci` in bench/ to see why.', {
    cause: error,
  })
}
